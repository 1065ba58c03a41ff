"""The client and `aip` with the answer cache of the real service."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2
from aiprovider_client import (
    AuthenticationError,
    CacheMissError,
    Caching,
    Client,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)

from tests.contract.client import shell
from tests.kit.stack import Stack, running

Info = routing_pb2.CacheInfo
OPERATOR = "an-operators-key"
KEYS = json.dumps(
    [
        {"caller": "ops", "tenant": "acme", "key": OPERATOR, "permissions": ["cache_admin"]},
        {"caller": "app", "tenant": "acme", "key": "an-app-key"},
    ]
)


@pytest_asyncio.fixture
async def keeping(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    """A service that keeps answers."""
    async with running(
        tmp_path, AI_PROVIDER__CACHE__ENABLED="true", AI_PROVIDER__AUTH__KEYS=KEYS
    ) as stack:
        yield stack


@pytest_asyncio.fixture
async def operator(keeping: Stack) -> AsyncGenerator[Client, None]:
    target = f"127.0.0.1:{keeping.app.server.port}"
    async with Client(target, api_key=OPERATOR, timeout_s=5) as client:
        yield client


async def aip(stack: Stack, *arguments: str) -> tuple[int, str, str]:
    return await shell.aip(stack.app.server.port, *arguments, "--api-key", OPERATOR)


def asked(stack: Stack) -> int:
    """How often a provider was asked."""
    return sum(request.method == "POST" for request in stack.adversary.requests)


async def test_whole_and_streamed(operator: Client, keeping: Stack) -> None:
    """The second answer is cached, whole or streamed, and both forms say so."""
    first = await operator.complete("gpt-4o", "Hi.")
    second = await operator.complete("gpt-4o", "Hi.")
    async with operator.stream("gpt-4o", "Hi.", replay_interval_s=0.001) as stream:
        before = stream.cached
        await anext(stream)
        begun = stream.cached
        rest = [event async for event in stream]

    assert (False, True) == (first.cached, second.cached)
    assert (False, True, True) == (before, begun, stream.answer.cached)
    assert rest
    assert first.text == second.text == stream.answer.text
    keys = {first.cache.key, second.cache.key, stream.cache.key, stream.answer.cache.key}
    assert 1 == len(keys)
    assert 1 == asked(keeping)


async def test_a_paced_stream(operator: Client) -> None:
    """The pause is told to the service beside the caller's other wishes, which stay as they are."""
    async with operator.stream("gpt-4o", "Hi.") as stream:
        first = [text async for text in stream.texts()]
    options = pb.StreamOptions(include_route_events=True)
    async with operator.stream(
        "gpt-4o", "Hi.", stream_options=options, replay_interval_s=0.05
    ) as stream:
        texts = [text async for text in stream.texts()]

    took_s = stream.answer.raw.timing.total_duration.ToMilliseconds() / 1000
    assert first == texts
    assert took_s >= 0.05 * (len(texts) - 1) > 0
    assert pb.StreamOptions(include_route_events=True) == options


async def test_wishes(operator: Client) -> None:
    """Mode, age and namespace reach the service, as wishes or as the contract's message."""
    off = routing_pb2.CachePolicy(mode=routing_pb2.CachePolicy.MODE_OFF)
    wishes = [
        None,
        Caching(mode="read_write"),
        Caching(max_age_s=0),
        Caching(namespace="n", ttl_s=0),
        Caching(namespace="n"),
        Caching(mode="refresh"),
        off,
    ]
    told = [(await operator.complete("gpt-4o", "Hi.", cache=wish)).cache.status for wish in wishes]

    assert [
        Info.STATUS_MISS,
        Info.STATUS_HIT_LOCAL,
        Info.STATUS_MISS,
        Info.STATUS_MISS,
        Info.STATUS_MISS,
        Info.STATUS_REFRESHED,
        Info.STATUS_BYPASSED,
    ] == told


async def test_a_miss(operator: Client, keeping: Stack) -> None:
    """Where nobody may be asked a miss has an exception of its own, which is a NotFoundError."""
    with pytest.raises(CacheMissError) as caught:
        await operator.complete("gpt-4o", "Hi.", cache=Caching(mode="only_if_cached"))

    assert isinstance(caught.value, NotFoundError)
    assert 0 == asked(keeping)


async def test_idempotency(operator: Client, keeping: Stack) -> None:
    """The same key gives the same answer, also as a stream; for another spec it is refused."""
    off = Caching(mode="off")
    first = await operator.complete("gpt-4o", "Hi.", cache=off, idempotency_key="k-1")
    async with operator.stream("gpt-4o", "Hi.", cache=off, idempotency_key="k-1") as stream:
        texts = [text async for text in stream.texts()]
    with pytest.raises(IdempotencyKeyReusedError) as caught:
        await operator.complete("gpt-4o", "Bye.", idempotency_key="k-1")

    assert first.text == "".join(texts)
    assert (False, Info.STATUS_REPEATED) == (first.cached, stream.cache.status)
    assert isinstance(caught.value, InvalidRequestError)
    assert 1 == asked(keeping)


async def test_explaining(operator: Client) -> None:
    """What is explained is under the key of the answer; memory would answer once it has it."""
    before = await operator.explain("gpt-4o", "Hi.", cache=Caching(namespace="n"))
    answer = await operator.complete("gpt-4o", "Hi.", cache=Caching(namespace="n"))
    after = await operator.explain("gpt-4o", "Hi.", cache=Caching(namespace="n"))

    assert before.cache_key == answer.cache.key == after.cache_key != ""
    assert (False, True) == (before.would_hit_cache, after.would_hit_cache)


async def test_making_void(operator: Client) -> None:
    """What is made void, by key or by all that is given, is asked for anew; the rest is not."""
    key = (await operator.complete("gpt-4o", "Hi.")).cache.key
    await operator.complete("gpt-4o", "Hi.", cache=Caching(namespace="n"))
    by_key = await operator.invalidate_cache(key=key)
    other = await operator.complete("gpt-4o", "Hi.", cache=Caching(namespace="n"))
    anew = await operator.complete("gpt-4o", "Hi.")
    rest = await operator.invalidate_cache(tenant="acme", namespace="n", model="gpt-4o")
    everything = await operator.invalidate_cache(everything=True)

    assert (True, False) == (other.cached, anew.cached)
    assert [1, 1, 1] == [done.local_entries for done in (by_key, rest, everything)]


async def test_who_may(keeping: Stack) -> None:
    """A caller without the permission, or without a name, is refused."""
    target = f"127.0.0.1:{keeping.app.server.port}"
    async with Client(target, api_key="an-app-key", timeout_s=5) as app:
        with pytest.raises(PermissionDeniedError):
            await app.invalidate_cache(everything=True)
        with pytest.raises(PermissionDeniedError):
            await app.cache_stats(all_tenants=True)
        own = await app.cache_stats()
    async with Client(target, timeout_s=5) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.cache_stats()

    assert 0 == own.local_hits


async def test_statistics(operator: Client) -> None:
    """What was asked is counted."""
    for _ in range(3):
        await operator.complete("gpt-4o", "Hi.")
    stats = await operator.cache_stats()
    of_all = await operator.cache_stats(all_tenants=True)

    assert (2, 1, 1) == (stats.local_hits, stats.misses, stats.local_entries)
    assert 2 == of_all.local_hits


async def test_from_a_shell(keeping: Stack) -> None:
    """`aip` says on standard error where an answer came from; nothing of it is in the answer."""
    asking = ("gpt-4o", "Hi.", "--namespace", "n")
    first = await aip(keeping, "complete", *asking)
    second = await aip(keeping, "complete", *asking, "--idempotency-key", "k-1")
    third = await aip(keeping, "stream", *asking, "--replay-interval", "0.01", "--max-age", "60")
    code, out, _ = await aip(keeping, "explain", *asking)
    miss = await aip(keeping, "complete", "gpt-4o", "Bye.", "--cache", "only_if_cached")

    assert first[:2] == second[:2] == third[:2]
    assert "cached" not in first[2]
    assert "cached in memory, " in second[2]
    assert "cached in memory, " in third[2]
    assert 0 == code
    assert out.endswith(": memory would answer\n")
    assert 1 == miss[0]
    assert "CACHE_MISS" in miss[2]


async def test_operating_from_a_shell(keeping: Stack, operator: Client) -> None:
    """`aip cache` tells what the cache did, and makes answers void, for people and as JSON."""
    key = (await operator.complete("gpt-4o", "Hi.")).cache.key
    await operator.complete("gpt-4o", "Hi.")
    _, told, _ = await aip(keeping, "cache", "stats")
    _, as_json, _ = await aip(keeping, "cache", "stats", "--all", "--json")
    void = await aip(keeping, "cache", "invalidate", "--key", key)
    _, void_json, _ = await aip(keeping, "cache", "invalidate", "--everything", "--json")

    assert "hits in memory                   1  50.0 %" == told.splitlines()[1]
    assert ("1", "1") == (json.loads(as_json)["localHits"], json.loads(as_json)["misses"])
    assert (0, "1 answer left") == (void[0], void[1][:13])
    assert "localEntries" not in json.loads(void_json)

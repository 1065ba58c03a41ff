"""Whole services that share answers through Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import routing_pb2

from service.adversary import Adversary
from service.domain.kept import Selector
from tests.kit.redis import RedisServer, redis_server
from tests.kit.serving import details, streaming, unary
from tests.kit.stack import Stack, running

Info = routing_pb2.CacheInfo
MODEL = "gpt-4o"


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


@asynccontextmanager
async def replicas(
    count: int, folder: Path, redis: RedisServer, **more: str
) -> AsyncGenerator[list[Stack], None]:
    """Services before one adversary, that all have heard from Redis."""
    async with AsyncExitStack() as stack:
        adversary = await stack.enter_async_context(Adversary())
        variables = {
            "REDIS_URL": redis.url,
            "AI_PROVIDER__CACHE__ENABLED": "true",
            # Several services share one busy process here: that is not to look like a slow Redis.
            "AI_PROVIDER__CACHE__REDIS_WAIT_S": "0.5",
            **more,
        }
        yield [
            await stack.enter_async_context(running(folder, adversary=adversary, **variables))
            for _ in range(count)
        ]


async def text_of(stream: Any) -> str:
    return "".join([event.text.text async for event in stream])


async def stored(stack: Stack) -> None:
    """Returns when what was kept is in Redis."""
    shared = stack.app.caching.shared
    assert shared is not None
    await shared.settled()


async def test_a_hit_on_another_replica(redis: RedisServer, tmp_path: Path) -> None:
    """What one replica was told another one knows, and has in memory from then on."""
    async with replicas(2, tmp_path, redis) as (one, two):
        first = await one.completion.Complete(unary(model=MODEL))
        await stored(one)
        second = await two.completion.Complete(unary(model=MODEL))
        third = await two.completion.Complete(unary(model=MODEL))
        stream = two.completion.StreamComplete(streaming(model=MODEL))
        spoken = await text_of(stream)

    assert [Info.STATUS_MISS, Info.STATUS_HIT_SHARED, Info.STATUS_HIT_LOCAL] == [
        answer.cache.status for answer in (first, second, third)
    ]
    assert first.message == second.message == third.message
    assert first.cache.key == second.cache.key
    assert first.message.parts[0].text == spoken
    assert 1 == len(one.adversary.requests)


async def test_four_replicas_ask_once(redis: RedisServer, tmp_path: Path) -> None:
    """4 replicas x 125 equal calls at once are one call upstream.

    Where the machine starves Redis each replica may ask once; `test_relay.py` is exact.
    """
    model = f"{MODEL}+latency=1"
    async with replicas(4, tmp_path, redis) as stacks:
        answers = await asyncio.gather(
            *(
                stack.completion.Complete(unary(model=model), timeout=30)
                for _ in range(125)
                for stack in stacks
            )
        )
        asked_count = len(stacks[0].adversary.requests)

    assert 1 <= asked_count <= len(stacks)
    assert 1 == len({answer.message.parts[0].text for answer in answers})
    statuses = [answer.cache.status for answer in answers]
    assert asked_count == statuses.count(Info.STATUS_MISS)


async def test_a_stream_heard_on_another_replica(redis: RedisServer, tmp_path: Path) -> None:
    """A stream in flight on one replica is heard on another while it is spoken."""
    model = f"{MODEL}+tokens=20+rate=20"
    async with replicas(2, tmp_path, redis) as (one, two):
        first = asyncio.create_task(text_of(one.completion.StreamComplete(streaming(model=model))))
        await asyncio.sleep(0.4)
        second = two.completion.StreamComplete(streaming(model=model))
        early: list[Any] = []
        async for event in second:
            early.append(event)
            if event.HasField("text"):
                break
        before_the_end = not first.done()
        rest = [event async for event in second]
        told = await first

    events = [*early, *rest]
    assert before_the_end
    assert told == "".join(event.text.text for event in events)
    assert Info.STATUS_COALESCED == events[0].started.cache.status
    assert "finished" == events[-1].WhichOneof("event")
    assert 1 == len(one.adversary.requests)


@pytest.mark.parametrize("less_s", [None, 1.0], ids=["leaves", "has less time"])
async def test_who_leaves_hurts_nobody(
    redis: RedisServer, tmp_path: Path, less_s: float | None
) -> None:
    """The only caller of the replica that asks leaves: one on another replica hears the whole."""
    spoken = streaming(model=f"{MODEL}+tokens=30+rate=20")
    async with replicas(2, tmp_path, redis) as (one, two):
        leaving = one.completion.StreamComplete(spoken, timeout=less_s)
        first = asyncio.create_task(text_of(leaving))
        await asyncio.sleep(0.3)
        other = asyncio.create_task(text_of(two.completion.StreamComplete(spoken, timeout=20)))
        await asyncio.sleep(0.5)
        if less_s is None:
            leaving.cancel()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await first
        before_the_end = not other.done()
        text = await other
        asked_count = len(one.adversary.requests)

    assert before_the_end
    assert 30 == len(text.split())
    assert 1 == asked_count


async def drained_of_a_stream(
    redis: RedisServer, folder: Path, grace_s: int
) -> tuple[str | BaseException, float, int]:
    """What another replica hears of 4 s of a stream whose own caller leaves before a drain; how
    many seconds that takes; and how often the provider is asked.
    """
    spoken = streaming(model=f"{MODEL}+tokens=60+rate=15")
    grace = {"AI_PROVIDER__SERVER__DRAIN__GRACE_S": str(grace_s)}
    async with replicas(2, folder, redis, **grace) as (one, two):
        leaving = one.completion.StreamComplete(spoken)
        first = asyncio.create_task(text_of(leaving))
        await asyncio.sleep(0.3)
        other = asyncio.create_task(text_of(two.completion.StreamComplete(spoken, timeout=20)))
        await asyncio.sleep(0.4)
        leaving.cancel()
        began = time.monotonic()
        await one.app.drain()
        took_s = time.monotonic() - began
        (heard,) = await asyncio.gather(other, return_exceptions=True)
        await asyncio.wait([first])
        return heard, took_s, len(one.adversary.requests)


async def test_a_drain_waits_for_those_elsewhere(redis: RedisServer, tmp_path: Path) -> None:
    """A call that only callers on another replica wait for is finished first."""
    heard, took_s, asked_count = await drained_of_a_stream(redis, tmp_path, grace_s=20)

    assert isinstance(heard, str)
    assert 60 == len(heard.split())
    assert 1 == asked_count
    assert took_s < 10.0


async def test_a_drain_waits_no_longer_than_its_grace(redis: RedisServer, tmp_path: Path) -> None:
    """Not for those either who wait elsewhere: they are told that it broke off."""
    heard, took_s, asked_count = await drained_of_a_stream(redis, tmp_path, grace_s=1)

    assert isinstance(heard, grpc.aio.AioRpcError)
    assert "STREAM_INTERRUPTED" == details(heard).error.reason
    assert 1 == asked_count
    assert 0.9 < took_s < 3.0


async def test_a_drain_waits_for_nobody(redis: RedisServer, tmp_path: Path) -> None:
    """A call that all have left, on every replica, holds no drain up."""
    spoken = streaming(model=f"{MODEL}+tokens=100+rate=15")
    async with replicas(2, tmp_path, redis) as (one, _):
        leaving = one.completion.StreamComplete(spoken)
        first = asyncio.create_task(text_of(leaving))
        await asyncio.sleep(0.5)
        leaving.cancel()
        began = time.monotonic()
        await one.app.drain()
        took_s = time.monotonic() - began
        await asyncio.wait([first])

    assert took_s < 4.0


async def test_the_last_one_leaves(redis: RedisServer, tmp_path: Path) -> None:
    """When nobody waits on any replica the call upstream ends within about a second."""
    spoken = streaming(model=f"{MODEL}+tokens=100+rate=15")
    async with replicas(2, tmp_path, redis) as (one, two):
        calls = [one.completion.StreamComplete(spoken)]
        reading = [asyncio.create_task(text_of(calls[0]))]
        await asyncio.sleep(0.3)
        calls.append(two.completion.StreamComplete(spoken))
        reading.append(asyncio.create_task(text_of(calls[1])))
        await asyncio.sleep(0.4)
        calls[0].cancel()
        await asyncio.sleep(0.3)
        (request,) = one.adversary.requests
        went_on = request.hung_up_at is None
        calls[1].cancel()
        left_at = time.monotonic()
        async with asyncio.timeout(5):
            while one.adversary.requests[0].hung_up_at is None:
                await asyncio.sleep(0.01)
        took_s = time.monotonic() - left_at
        await asyncio.wait(reading)
        asked_count = len(one.adversary.requests)

    assert went_on
    assert took_s < 1.5
    assert 1 == asked_count


async def test_a_repeat_on_another_replica(redis: RedisServer, tmp_path: Path) -> None:
    """An idempotency key means the same on every replica, at once and afterwards."""
    asked = unary(model=f"{MODEL}+latency=0.5", idempotency_key="k")
    other = unary("Ho", model=f"{MODEL}+latency=0.5", idempotency_key="k")
    async with replicas(2, tmp_path, redis, AI_PROVIDER__CACHE__POLICY="off") as (one, two):
        first = asyncio.ensure_future(one.completion.Complete(asked))
        await asyncio.sleep(0.2)
        at_once = await two.completion.Complete(asked)
        await stored(one)
        afterwards = await two.completion.Complete(asked)
        with pytest.raises(Exception, match="another spec") as caught:
            await two.completion.Complete(other)
        told = await first

    assert told.message == at_once.message == afterwards.message
    assert Info.STATUS_REPEATED == afterwards.cache.status
    assert "IDEMPOTENCY_KEY_REUSED" == details(caught.value).error.reason  # type: ignore[arg-type]
    assert 1 == len(one.adversary.requests)


async def test_what_is_void_is_so_everywhere(redis: RedisServer, tmp_path: Path) -> None:
    """Two seconds after it was acknowledged no replica takes a void answer any more."""
    async with replicas(2, tmp_path, redis) as (one, two):
        for stack in (one, two):
            await stack.completion.Complete(unary(model=MODEL))
        await stored(one)
        done = await one.app.caching.invalidate(Selector(model=MODEL))
        here = await one.completion.Complete(unary(model=MODEL))
        await asyncio.sleep(done.reaches_within_s)
        there = await two.completion.Complete(unary(model=MODEL))

    assert 1 == done.local_entries
    assert 2.0 == done.reaches_within_s
    assert Info.STATUS_MISS == here.cache.status
    # The new answer, which is in Redis or in flight there: never the old one.
    assert there.create_time.ToNanoseconds() >= here.create_time.ToNanoseconds()

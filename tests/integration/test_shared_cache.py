"""Answers in a real Redis: what is stored is found, as it was, by whoever shares it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop

from service.caches.codec import encode
from service.domain.kept import Kept
from tests.kit.redis import RedisServer, redis_server
from tests.kit.shared_cache import (
    KEPT,
    PACE_S,
    TTL_S,
    fill,
    found,
    kept,
    key,
    name,
    shared_cache,
    until,
)

LATE_MAX = 5
PLENTY_S = 1.0
"""Where it is not the wait that is tested."""


@pytest.fixture(name="redis", scope="module")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def _emptied(redis: RedisServer) -> None:
    redis.order("FLUSHALL")


async def test_what_one_stores_another_finds(redis: RedisServer) -> None:
    """An answer that one replica has put is the same at another one, and only under its key."""
    frames = tuple(b"frame %d" % number for number in range(1000))
    stream = replace(KEPT, frames=frames, finished=b"end", whole=None, cost_nano_usd=None)
    large = kept(3, 900_000)
    async with (
        shared_cache(redis.terms(), wait_s=PLENTY_S) as first,
        shared_cache(redis.terms(), wait_s=PLENTY_S) as second,
    ):
        first.put(key(1), KEPT, TTL_S)
        first.put(key(2), stream, TTL_S)
        first.put(key(3), large, TTL_S)
        await first.settled()
        answers = [await second.get(key(number)) for number in range(1, 5)]
        shown = repr(second)

    assert [KEPT, stream, large, None] == answers
    assert (
        f"<RedisAnswers at {redis.address}: ok, 0 failed, 0 skipped, 0 not stored, 0 garbage>"
        == shown
    )


async def test_large_answers_are_compressed(redis: RedisServer) -> None:
    """At the size and above an answer takes less room in Redis than it has bytes."""
    async with shared_cache(redis.terms(), compress_bytes_min=50_000) as answers:
        answers.put(key(1), kept(1, 40_000), TTL_S)
        answers.put(key(2), kept(2, 60_000), TTL_S)
        await answers.settled()
    sizes = [int(redis.ask("STRLEN", name(number))[1:]) for number in (1, 2)]

    assert sizes[0] > 40_000
    assert sizes[1] < 10_000


async def test_it_expires(redis: RedisServer) -> None:
    """An answer is gone when its time is over, counted from when it was put."""
    async with shared_cache(redis.terms(), wait_s=PLENTY_S) as answers:
        answers.put(key(1), KEPT, 0.15)
        await answers.settled()
        before = await answers.get(key(1))
        await asyncio.sleep(0.2)
        after = await answers.get(key(1))

    assert KEPT == before
    assert after is None


async def test_it_can_be_removed(redis: RedisServer) -> None:
    """What is removed is gone, and a removal takes back what was put just before."""
    async with shared_cache(redis.terms(), wait_s=PLENTY_S) as answers:
        answers.put(key(1), KEPT, TTL_S)
        answers.put(key(2), KEPT, TTL_S)
        answers.remove(key(1))
        answers.remove(key(2))
        await answers.settled()
        left = [await answers.get(key(number)) for number in (1, 2)]

    assert [None, None] == left


async def test_garbage_is_a_miss_and_goes(redis: RedisServer) -> None:
    """A value that is no answer to its key is none, counts, and is removed."""
    values = [b"", b"x", b"\xff" * 5000, encode(key(7), KEPT, 0), encode(key(4), KEPT, 0)[:-1]]
    for number, value in enumerate(values):
        redis.order("SET", name(number), value)
    redis.ask("RPUSH", name(5), b"a list")
    async with shared_cache(redis.terms(), wait_s=PLENTY_S) as answers:
        got = [await answers.get(key(number)) for number in range(6)]
        garbage_count = answers.garbage_count
        state = answers.state
        await answers.settled()
    left = redis.ask("EXISTS", *(name(number) for number in range(6)))

    assert [None] * 6 == got
    assert len(values) + 1 == garbage_count
    assert "ok" == state
    assert b":0\r\n" == left


async def test_another_version_is_left_alone(redis: RedisServer) -> None:
    """What a later version of the service wrote is a miss for us, and stays for them."""
    blob = bytearray(encode(key(1), KEPT, 0))
    blob[4] += 1
    redis.order("SET", name(1), bytes(blob))
    async with shared_cache(redis.terms(), wait_s=PLENTY_S) as answers:
        got = await answers.get(key(1))
        counted = (answers.other_version_count, answers.garbage_count)
        await answers.settled()

    assert got is None
    assert (1, 0) == counted
    assert b":1\r\n" == redis.ask("EXISTS", name(1))


async def test_500_at_once(redis: RedisServer) -> None:
    """500 lookups at the same time take a few commands and a few connections."""
    async with shared_cache(redis.terms(), wait_s=PLENTY_S) as answers:
        await fill(answers, 500)
        redis.order("CONFIG", "RESETSTAT")
        got = await asyncio.gather(*(answers.get(key(number)) for number in range(500)))
        commands = redis.count("total_commands_processed")
        connections = redis.count("connected_clients")

    assert [kept(number) for number in range(500)] == got
    # And TIME now and then, and our own questions.
    assert commands < 12
    assert connections < 8


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_busy_process_is_no_slow_redis(
    redis: RedisServer, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """While the loop is busy for longer than anybody waits, what Redis tells is still taken."""

    async def main() -> None:
        async with shared_cache(redis.terms(), wait_s=0.005) as answers:
            await fill(answers, 50)
            stopping = asyncio.create_task(_be_busy())
            async with asyncio.timeout(30):
                got = [await answers.get(key(number)) for number in range(50)]
            stopping.cancel()

            # Where others starve Redis itself it may be late now and then.
            late_count = answers.late_count
            assert late_count <= LATE_MAX
            assert late_count == got.count(None)
            assert {kept(number) for number in range(50)} >= set(got) - {None}
            assert "ok" == answers.state

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


async def _be_busy() -> None:
    while True:
        time.sleep(0.008)  # noqa: ASYNC251 - busy
        await asyncio.sleep(0)


async def test_the_time_of_redis(redis: RedisServer) -> None:
    """Everybody who shares a Redis tells its time, whatever this host's clock says."""
    async with shared_cache(redis.terms(), clock=lambda: time.time() - 3600.0) as answers:
        off_s = abs(answers.now() - time.time())

    assert off_s < 0.05


async def test_the_time_while_redis_was_never_there(redis: RedisServer) -> None:
    """Until Redis has told its time, this host's counts."""
    terms = replace(redis.terms(), url="redis://127.0.0.1:1/0")
    async with shared_cache(terms, clock=lambda: 5.0) as answers:
        assert 5.0 == answers.now()


async def test_a_user_who_may_not_ask_for_the_time(redis: RedisServer) -> None:
    """Then this host's time counts, and all else is as usual."""
    redis.order("ACL", "SETUSER", "me", "on", ">pw", "~*", "+@all", "-time")
    terms = replace(redis.terms(), url=redis.url.replace("127.0.0.1", "me:pw@127.0.0.1"))
    async with shared_cache(terms, wait_s=PLENTY_S, clock=lambda: 5.0) as answers:
        await asyncio.sleep(2.0 * PACE_S)
        await fill(answers, 1)
        found_count = await found(answers, 1)
        state, now = answers.state, answers.now()
    redis.ask("ACL", "DELUSER", "me")

    assert 1 == found_count
    assert ("ok", 5.0) == (state, now)


async def test_what_is_put_last(redis: RedisServer) -> None:
    """What was put just before the end is stored."""
    async with shared_cache(redis.terms()) as answers:
        answers.put(key(1), kept(1, 200_000), TTL_S)

    assert b":1\r\n" == redis.ask("EXISTS", name(1))


async def test_callbacks_in_each_round(redis: RedisServer) -> None:
    """Who has registered is called in each round with a client; what one raises hurts no other."""
    called: list[float] = []

    async def asks(client: Any) -> None:
        called.append(time.monotonic())
        await client.set("said", "here")

    async def raises(_: Any) -> None:
        raise RuntimeError("not today")

    async def hangs(_: Any) -> None:
        await asyncio.sleep(1000)

    async with shared_cache(redis.terms()) as answers:
        answers.each_round += [raises, hangs, asks]
        await until(lambda: len(called) >= 3, within_s=8.0)
    gaps = [later - earlier for earlier, later in pairwise(called)]

    assert b"$4\r\nhere\r\n" == redis.ask("GET", "said")
    assert all(PACE_S < gap < PACE_S + 0.6 for gap in gaps)


async def test_what_cannot_be_written(redis: RedisServer) -> None:
    """An answer that the codec refuses is lost, and nothing else is."""
    broken: Kept = replace(KEPT, generation=2**70)
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(redis.terms(), wait_s=PLENTY_S) as answers:
            answers.put(key(1), broken, TTL_S)
            answers.put(key(2), kept(2), TTL_S)
            await answers.settled()
            found_count = await found(answers, 3)
            lost_count = answers.lost_store_count

    assert 1 == found_count
    assert 1 == lost_count
    assert [] == lines


async def test_terms_that_contradict_themselves(redis: RedisServer, tmp_path: Path) -> None:
    """An option that nobody knows is refused by name, and no password is quoted."""
    for url in (f"{redis.url}?max_connections=hidden", f"unix://{tmp_path}/s?retries=hidden"):
        terms = replace(redis.terms(), url=url)
        with pytest.raises(ValueError, match="unknown options") as caught:
            async with shared_cache(terms):
                pass
        assert "hidden" not in str(caught.value)

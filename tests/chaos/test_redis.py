"""What callers of the whole service see while its Redis misbehaves: a test for each trouble.

Everywhere holds: each of them gets the answer to its own prompt, the standard health protocol tells
SERVING, and p99 is at most what it is at the same time without a Redis, 5 ms, and the machine's
own unrest, which is how far p99 lies above the median without a Redis; see `BUSY_S` as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.chaos.redis_scene import Fared, Scene, redis_scene
from tests.kit.faulty_tcp import FaultyTcp, faulty_tcp
from tests.kit.redis import RedisServer, redis_server
from tests.kit.redis_cluster import redis_cluster
from tests.kit.redis_sentinel import MASTER, redis_sentinel

Note = Callable[..., None]
FAULT_S = 0.9
"""Over before the first trial, which comes after a second: that it fails is tested by flapping."""
ASKED_ON_S = 1.6
"""Where it is asked on meanwhile: the more calls the steadier is p99."""
SOON_S = 20.0
"""A trial comes after 1 s, then after 2, 4 and 8 more if it fails, or is late on a busy machine."""


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(name="front")
def _front(redis: RedisServer) -> Generator[FaultyTcp, None, None]:
    with faulty_tcp(redis.port) as front:
        yield front


@pytest.fixture(name="note")
def _note(request: pytest.FixtureRequest) -> Note:
    """Leaves the figures in the report that `--junitxml` writes."""

    def note(fared: Fared, back_s: float = 0.0) -> None:
        told = f"{fared}; well again after {back_s:.1f} s"
        request.node.user_properties.append(("fared", told))

    return note


async def test_all_is_well(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """With a Redis that is well every repeated question is answered from there."""
    async with redis_scene(tmp_path, redis.url) as made, made.watched(ASKED_ON_S) as seen:
        pass

    note(seen.fared)
    made.require(seen.fared)
    assert seen.fared.hit_share > 0.4
    assert ("ok", "") == (seen.fared.state.state, seen.fared.state.problem)


async def test_down_from_the_start(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """Without the Redis that is configured a service starts and answers, and finds it later."""
    redis.kill()
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(FAULT_S) as seen:
            pass
        redis.start()
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    _failing(seen.fared, "ConnectionError")


async def test_killed(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """Killed under load and started again, empty: it is left alone meanwhile, and used again."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(FAULT_S) as seen:
            redis.kill()
            await made.until_left_alone(SOON_S)
        redis.start()
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    _failing(seen.fared, "ConnectionError")


async def test_stopped(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """A Redis that takes commands and never answers is waited for a few times only."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(FAULT_S) as seen:
            redis.stop()
            await made.until_left_alone(SOON_S)
        redis.resume()
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    _left_alone(seen.fared)


async def test_asleep(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """A Redis that is busy for two seconds, as by DEBUG SLEEP, is left alone meanwhile."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(FAULT_S) as seen:
            redis.sleep(FAULT_S)
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    _left_alone(seen.fared)


@pytest.mark.parametrize("latency_ms", [20, 100])
async def test_slow(front: FaultyTcp, tmp_path: Path, note: Note, latency_ms: int) -> None:
    """A Redis that answers later than requests wait is not asked until it is quick again."""
    async with redis_scene(tmp_path, front.url) as made:
        async with made.watched(FAULT_S) as seen:
            front.latency_s = latency_ms / 1000.0
            await made.until_left_alone(SOON_S)
        front.latency_s = 0.0
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    _left_alone(seen.fared)


async def test_flapping(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """A Redis that dies every second is left alone for longer each time."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(0.0) as seen:
            for _ in range(2):
                redis.kill()
                await asyncio.sleep(1.0)
                redis.start()
                await asyncio.sleep(0.5)
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    assert seen.fared.state.failures > 0
    assert seen.fared.state.skips > 0


@pytest.mark.parametrize(
    ("fault", "problem"), [("full", "OutOfMemoryError"), ("read-only", "ReadOnlyError")]
)
async def test_it_takes_nothing(
    redis: RedisServer, tmp_path: Path, note: Note, fault: str, problem: str
) -> None:
    """A Redis that takes no answers is asked for those that it has, and told none for a while."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(ASKED_ON_S) as seen:
            redis.fill() if fault == "full" else redis.demote()
        redis.drain() if fault == "full" else redis.promote()
        back_s = await made.until_hit(SOON_S)
        at_last = made.state

    note(seen.fared, back_s)
    made.require(seen.fared)
    state = seen.fared.state
    # Where the machine starves it, it may be late as well.
    assert "ok" == state.state
    assert state.problem in (problem, "TimeoutError")
    assert state.lost_stores > 0
    assert ("ok", "") == (at_last.state, at_last.problem)


async def test_evicting(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """A Redis that throws answers out has fewer of them, and nothing else changes."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(ASKED_ON_S) as seen:
            redis.order("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            redis.order("CONFIG", "SET", "maxmemory", str(redis.count("used_memory") + 2048))
        evicted_count = redis.count("evicted_keys")
        redis.drain()
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    assert evicted_count > 0
    assert "ok" == seen.fared.state.state


async def test_failing_over(tmp_path: Path, note: Note) -> None:
    """When sentinels name another master it is used, and the old one no more."""
    with redis_sentinel(tmp_path) as whole:
        url = whole.sentinels[0].url
        more = {
            "AI_PROVIDER__CACHE__REDIS_MODE": "sentinel",
            "AI_PROVIDER__CACHE__REDIS_MASTER": MASTER,
        }
        async with redis_scene(tmp_path, url, **more) as made:
            async with made.watched(FAULT_S) as seen:
                whole.master.kill()
            back_s = await made.until_hit(SOON_S)
            role = whole.replica.ask("ROLE")

    note(seen.fared, back_s)
    made.require(seen.fared)
    _failing(seen.fared)
    assert b"master" in role


@pytest.mark.parametrize(
    ("garbage", "problem"),
    [
        (b"\x00garbage\r\n", "InvalidResponse"),
        (b"$5\r\nhello\r\n", "NonsenseError"),
    ],
)
async def test_it_is_no_redis(
    front: FaultyTcp, tmp_path: Path, note: Note, garbage: bytes, problem: str
) -> None:
    """What is no answer of a Redis, or none to what was asked, is never taken for one."""
    async with redis_scene(tmp_path, front.url) as made:
        async with made.watched(FAULT_S) as seen:
            front.garbage = garbage
            await made.until_left_alone(SOON_S)
        front.garbage = None
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    assert 0.0 == seen.fared.hit_share
    # Where it answers several at once with one reply somebody may wait for the rest in vain.
    _left_alone(seen.fared)
    assert seen.fared.state.problem in (problem, "TimeoutError", "late")


async def test_it_is_empty_handed(front: FaultyTcp, tmp_path: Path, note: Note) -> None:
    """A server that has nothing, takes nothing and says only so costs nothing but the asking."""
    async with redis_scene(tmp_path, front.url) as made:
        async with made.watched(ASKED_ON_S) as seen:
            front.garbage = b"$-1\r\n"
        front.garbage = None
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    assert 0.0 == seen.fared.hit_share
    assert seen.fared.state.problem
    assert seen.fared.state.lost_stores > 0


async def test_values_are_exchanged(redis: RedisServer, tmp_path: Path, note: Note) -> None:
    """A value under our key that is garbage, or another prompt's answer, is a miss."""
    async with redis_scene(tmp_path, redis.url) as made:
        async with made.watched(ASKED_ON_S) as seen, Redis.from_url(redis.url) as client:
            await _spoil(client, ASKED_ON_S)
        garbage_count = _garbage_count(made)
        back_s = await made.until_hit(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    assert garbage_count > 0
    assert "ok" == seen.fared.state.state


async def test_a_node_of_a_cluster(tmp_path: Path, note: Note) -> None:
    """When a node of three is lost, the answers of the others are given as before."""
    with redis_cluster(tmp_path) as cluster:
        lost, *others = cluster.nodes
        more = {
            "AI_PROVIDER__CACHE__REDIS_MODE": "cluster",
            "AI_PROVIDER__CACHE__REDIS_NODES": f'["{others[0].address}", "{others[1].address}"]',
        }
        async with redis_scene(tmp_path, lost.url, **more) as made:
            async with made.watched(ASKED_ON_S) as seen:
                lost.kill()
            lost.start()
            back_s = await made.until_well(SOON_S)

    note(seen.fared, back_s)
    made.require(seen.fared)
    assert 0.2 < seen.fared.hit_share < 0.45
    _failing(seen.fared, "ConnectionError")


def _failing(fared: Fared, *problems: str) -> None:
    assert fared.state.state in ("failing", "trying")
    assert not problems or fared.state.problem in problems
    _left_alone(fared)


def _left_alone(fared: Fared) -> None:
    state = fared.state
    assert state.state in ("slow", "failing", "trying")
    assert state.problem
    assert state.failures > 0
    assert state.skips > 0


def _garbage_count(made: Scene) -> int:
    shared = made.shared.stack.app.caching.shared
    assert shared is not None
    return shared.garbage_count


async def _spoil(client: Redis, for_s: float) -> None:
    """Gives each answer the value of another one, or garbage, again and again."""
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        names = [name async for name in client.scan_iter("aip:a1:*", count=1000)]
        values = await client.mget(names) if names else []
        for place, name in enumerate(names):
            value = b"garbage" if place % 2 else values[place - 1]
            if value is not None:
                await client.set(name, value, keepttl=True, xx=True)
        await asyncio.sleep(0.05)

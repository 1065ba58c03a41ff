"""Whatever becomes of Redis: no lookup raises, none waits, and all is well again by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import structlog

from service.caches.breaker import FAILED_MAX
from service.redis_door import RedisTerms
from tests.kit.faulty_tcp import FaultyTcp, faulty_tcp
from tests.kit.redis import RedisServer, redis_server
from tests.kit.shared_cache import (
    KEPT,
    PACE_S,
    TRIED_AGAIN_WITHIN_S,
    TTL_S,
    WAIT_S,
    fill,
    found,
    found_at_last,
    kept,
    key,
    load,
    name,
    shared_cache,
    until,
    until_found,
)

KEYS = 20
MOST = 0.95
"""Of the lookups: a few may be held up where others keep the machine busy."""
SLACK_S = 0.03
"""What a busy machine may add to a wait."""
MISSED_MAX = 2
"""What a busy machine may make late of a few lookups."""
TIMEOUT_S = 0.25
LEFT, BACK = (
    "a Redis is left alone, requests go on without",
    "a Redis that was left alone is asked again",
)
GARBAGE = "Redis has values under our keys that are no answers to them"
NO_ANSWERS, ANSWERS = "Redis takes no answers", "Redis takes answers again"


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(name="front")
def _front(redis: RedisServer) -> Generator[FaultyTcp, None, None]:
    with faulty_tcp(redis.port) as front:
        yield front


async def test_killed_and_started_again(redis: RedisServer) -> None:
    """A dead Redis costs nothing, is noticed at once, and is asked again soon after it is back."""
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(redis.terms()) as answers:
            await fill(answers, KEYS)
            async with load(answers, KEYS) as fared:
                await asyncio.sleep(0.3)
                redis.kill()
                noticed_s = await until(lambda: answers.state == "failing")
                await asyncio.sleep(0.3)
            problem, skip_count = answers.problem, answers.skip_count
            answers.put(key(0), KEPT, TTL_S)
            lost_count = answers.lost_store_count
            redis.start()
            back_s = await until_found(answers, 0)

    assert fared.hit_count > 0
    assert fared.p(1.0) < WAIT_S + SLACK_S
    assert noticed_s < 0.2
    assert "ConnectionError" == problem
    assert skip_count > 0
    assert 1 == lost_count
    assert back_s < TRIED_AGAIN_WITHIN_S
    assert [LEFT, BACK] == [line["event"] for line in lines]
    assert {redis.address} == {line["server"] for line in lines}


@pytest.mark.parametrize("fault", ["stopped", "asleep", "far away", "swallowed"])
async def test_silent(redis: RedisServer, front: FaultyTcp, fault: str) -> None:
    """A silent or slow Redis is waited for a few times, then left alone until it is well."""
    before: dict[str, Callable[[], None]] = {
        "stopped": redis.stop,
        "asleep": lambda: redis.sleep(0.5),
        "far away": lambda: setattr(front, "latency_s", 0.02),
        "swallowed": lambda: setattr(front, "blackhole", True),
    }
    after: dict[str, Callable[[], None]] = {
        "stopped": redis.resume,
        "far away": lambda: setattr(front, "latency_s", 0.0),
        "swallowed": lambda: setattr(front, "blackhole", False),
    }
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(RedisTerms(front.url)) as answers:
            await fill(answers, KEYS)
            # Warm: there is a connection for each caller.
            async with load(answers, KEYS) as fared:
                await asyncio.sleep(0.2)
                before[fault]()
                noticed_s = await until(lambda: answers.state != "ok")
                state = answers.state
                await asyncio.sleep(0.3)
            after.get(fault, lambda: None)()
            back_s = await until(lambda: answers.state == "ok")
            found_count = await found_at_last(answers, range(KEYS))

    assert "slow" == state
    assert noticed_s < 0.3
    assert fared.p(MOST) < WAIT_S + SLACK_S
    assert fared.p(1.0) < TIMEOUT_S
    assert back_s < TRIED_AGAIN_WITHIN_S
    assert found_count >= KEYS - MISSED_MAX
    assert [LEFT, BACK] == [line["event"] for line in lines]


async def test_stragglers_keep_their_connections(front: FaultyTcp) -> None:
    """Round trips that come too late end by themselves: nothing is broken off and made anew."""
    async with shared_cache(RedisTerms(front.url)) as answers:
        await fill(answers, KEYS)
        async with load(answers, KEYS):
            await asyncio.sleep(0.2)
        front.latency_s = 0.05
        miss_count = 0
        for _ in range(3):
            # As if it were never left alone.
            answers.lanes.all[0].breaker.trial_passed(0.0)
            async with load(answers, KEYS) as fared:
                await asyncio.sleep(0.15)
            miss_count += fared.miss_count
        accepted_count = front.accepted_count
        failure_count = answers.failure_count

    assert miss_count > 0
    assert 0 == failure_count
    # Four for lookups, one for stores, one for the visits, and one to spare.
    assert accepted_count <= 7


async def test_flapping(front: FaultyTcp) -> None:
    """A Redis that comes and goes is left alone for longer each time, and said so each time."""
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(RedisTerms(front.url)) as answers:
            await fill(answers, KEYS)
            async with load(answers, KEYS) as fared:
                for _ in range(4):
                    await asyncio.sleep(0.5 * PACE_S)
                    front.refuse()
                    front.reset()
                    await asyncio.sleep(0.5 * PACE_S)
                    front.admit()
            back_s = await until(lambda: answers.state == "ok")
            found_count = await found_at_last(answers, range(KEYS))

    assert fared.hit_count > 0
    assert fared.p(MOST) < WAIT_S + SLACK_S
    assert back_s < 2 * TRIED_AGAIN_WITHIN_S
    assert found_count >= KEYS - MISSED_MAX
    # For the pace, then twice as long: in four of them it is left alone twice, or three times.
    assert len(lines) <= 6


@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_broken_connections(front: FaultyTcp, ending: str) -> None:
    """Connections that break cost the lookups that were on them; the next ones have new ones."""
    async with shared_cache(RedisTerms(front.url), wait_s=0.1) as answers:
        await fill(answers, KEYS)
        async with load(answers, KEYS) as fared:
            for _ in range(5):
                await asyncio.sleep(0.05)
                getattr(front, ending)()
            await asyncio.sleep(0.05)
        found_count = await found(answers, KEYS)
        state = answers.state

    assert fared.miss_count < fared.hit_count / 2
    assert "ok" == state
    assert KEYS == found_count


def _jam(redis: RedisServer, folder: Path) -> None:
    """It cannot write its dump, and takes nothing until it can."""
    (folder / "in-the-way").mkdir()
    redis.order("CONFIG", "SET", "save", "3600 1")
    redis.order("CONFIG", "SET", "dbfilename", "in-the-way")
    redis.ask("BGSAVE")
    while b"rdb_last_bgsave_status:err" not in redis.ask("INFO", "persistence"):
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("full", "OutOfMemoryError"), ("read-only", "ReadOnlyError"), ("jammed", "ResponseError")],
)
async def test_it_takes_nothing(redis: RedisServer, tmp_path: Path, fault: str, kind: str) -> None:
    """What is there is still found; what cannot be stored is lost, counted, and told once."""
    before: dict[str, Callable[[], None]] = {
        "full": redis.fill,
        "read-only": redis.demote,
        "jammed": lambda: _jam(redis, tmp_path),
    }
    after: dict[str, Callable[[], None]] = {
        "full": redis.drain,
        "read-only": redis.promote,
        "jammed": lambda: redis.order("CONFIG", "SET", "save", ""),
    }
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(redis.terms(), wait_s=0.1) as answers:
            await fill(answers, KEYS)
            before[fault]()
            for number in range(100):
                answers.put(key(KEYS + number), kept(number), TTL_S)
            await answers.settled()
            answers.put(key(KEYS), KEPT, TTL_S)
            lost_count = answers.lost_store_count
            found_count = await found(answers, KEYS + 100)
            state, problem = answers.state, answers.problem
            after[fault]()
            taken_s = await until(lambda: answers.problem == "")
            await fill(answers, KEYS + 1)
            lost_count_after = answers.lost_store_count

    assert KEYS == found_count
    assert 101 == lost_count == lost_count_after
    assert ("ok", kind) == (state, problem)
    assert taken_s < 3.0
    assert [(NO_ANSWERS, kind), (ANSWERS, None)] == [
        (line["event"], line.get("error")) for line in lines
    ]


async def test_evicting(redis: RedisServer) -> None:
    """What Redis throws out to make room is a miss, and nothing else."""
    redis.order("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    redis.order("CONFIG", "SET", "maxmemory", "6mb")
    async with shared_cache(redis.terms(), wait_s=0.1, compress_bytes_min=1_000_000) as answers:
        for number in range(200):
            answers.put(key(number), kept(number, 50_000), TTL_S)
            await answers.settled()
        found_count = await found(answers, 200)
        shown = repr(answers)

    assert 0 < found_count < 200
    assert redis.count("evicted_keys") > 0
    assert "ok, 0 failed, 0 skipped, 0 not stored, 0 garbage" in shown


NONSENSE = [
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-NOAUTH Authentication required.\r\n",
    b"-CLUSTERDOWN The cluster is down\r\n",
    b"-MOVED 1 127.0.0.1:1\r\n",
    b"-ERR max number of clients reached\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"$abc\r\n",
    b"$-5\r\n",
    b"$99999999999\r\nx",
    b"*1\r\n" * 5000,
    b"*100000000\r\n",
    b":1\r\n",
    b"\r\n",
    b"\x00\xff" * 50_000,
]


async def test_nonsense(redis: RedisServer) -> None:
    """Whatever comes in place of an answer is a miss, and Redis is left alone until it is sane."""

    async def check(garbage: bytes) -> None:
        with faulty_tcp(redis.port) as front:
            terms = RedisTerms(front.url, timeout_s=0.1)
            async with shared_cache(terms, wait_s=0.05) as answers:
                await fill(answers, 1)
                front.garbage = garbage
                async with load(answers, 1, callers=2) as fared:
                    await until(lambda: answers.state != "ok", within_s=4.0)
                misses_from = fared.hit_count
                front.garbage = None
                await until(lambda: answers.state == "ok", within_s=8.0)
                got = await answers.get(key(0))

        assert (garbage, kept(0)) == (garbage, got)
        # A dozen of them are checked at the same time, on one loop.
        assert fared.p(1.0) < 4 * TIMEOUT_S
        assert answers.failure_count > 0
        assert misses_from < 5

    async with asyncio.TaskGroup() as group:
        for garbage in NONSENSE:
            group.create_task(check(garbage))


@pytest.mark.parametrize("nonsense", [b"+OK\r\n" * 9, b"$3\r\nabc\r\n"])
async def test_values_that_nobody_wrote(front: FaultyTcp, nonsense: bytes) -> None:
    """A well-formed reply that is no answer to the key is a miss; who gives no other is left alone.

    When it is a Redis again it is asked again.
    """
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(RedisTerms(front.url), wait_s=0.1) as answers:
            await fill(answers, 1)
            front.garbage = nonsense
            found_count = sum([await answers.get(key(0)) is not None for _ in range(20)])
            state, problem, garbage_count = answers.state, answers.problem, answers.garbage_count
            front.garbage = None
            await until(lambda: answers.state == "ok")

    assert 0 == found_count
    assert ("failing", "NonsenseError") == (state, problem)
    assert garbage_count >= FAILED_MAX
    assert [GARBAGE, LEFT, BACK] == [line["event"] for line in lines]


async def test_somebody_elses_values(redis: RedisServer) -> None:
    """Where every value under our keys is somebody else's each is a miss, and Redis is asked on."""
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(redis.terms(), wait_s=0.1) as answers:
            for number in range(KEYS):
                redis.order("SET", name(number), b"garbage")
            for number in range(KEYS):
                await answers.get(key(number))
                answers.put(key(number), kept(number), TTL_S)
                await answers.settled()
            garbage_count, state = answers.garbage_count, answers.state
            found_count = await found(answers, KEYS)

    assert KEYS == garbage_count
    assert "ok" == state
    assert KEYS == found_count
    assert [GARBAGE] == [line["event"] for line in lines]


@pytest.mark.parametrize(
    ("options", "user", "kind"),
    [
        (("--requirepass", "right-123"), ":wrong-456@", "AuthenticationError"),
        (("--requirepass", "right-123"), "", "AuthenticationError"),
        (
            ("--user", "reader", "on", ">wrong-456", "~*", "-@all"),
            "reader:wrong-456@",
            "NoPermissionError",
        ),
    ],
    ids=["wrong password", "no password", "no permission"],
)
async def test_no_entry(tmp_path: Path, options: tuple[str, ...], user: str, kind: str) -> None:
    """A Redis that does not let us in is left alone; the log names the kind, and no password."""
    with redis_server(tmp_path, *options) as redis, structlog.testing.capture_logs() as lines:
        url = redis.url.replace("127.0.0.1", f"{user}127.0.0.1")
        async with shared_cache(RedisTerms(url)) as answers:
            async with load(answers, 1):
                await until(lambda: answers.state == "failing")
            shown = repr(answers) + repr(answers.lanes)

    assert [(LEFT, kind)] == [(line["event"], line["error"]) for line in lines]
    assert "wrong-456" not in shown + str(lines)


async def test_not_there_at_the_start(redis: RedisServer) -> None:
    """Without a Redis it starts all the same, at once, and finds it when it comes."""
    redis.kill()
    began_at = time.monotonic()
    async with shared_cache(redis.terms()) as answers:
        started_s = time.monotonic() - began_at
        got = await answers.get(key(0))
        redis.start()
        back_s = await until_found(answers, 0)

    assert started_s < 0.5
    assert got is None
    assert back_s < TRIED_AGAIN_WITHIN_S


async def test_nobody_uses_it(redis: RedisServer) -> None:
    """An outage is noticed without any request, and its end is, too."""
    async with shared_cache(redis.terms()) as answers:
        redis.kill()
        noticed_s = await until(lambda: answers.state == "failing")
        redis.start()
        back_s = await until(lambda: answers.state == "ok")

    assert noticed_s < 1.5
    assert back_s < TRIED_AGAIN_WITHIN_S


async def test_cancelled_lookups(front: FaultyTcp) -> None:
    """Callers who leave while they wait disturb neither the others nor a connection."""
    front.latency_s = 0.01
    async with shared_cache(RedisTerms(front.url), wait_s=0.5) as answers:
        await fill(answers, KEYS)
        leaving = [asyncio.create_task(answers.get(key(number))) for number in range(KEYS)]
        staying = [asyncio.create_task(answers.get(key(number))) for number in range(KEYS)]
        await asyncio.sleep(0.002)
        for task in leaving:
            task.cancel()
        got = await asyncio.gather(*staying)
        failure_count = answers.failure_count

    assert [kept(number) for number in range(KEYS)] == got
    assert all(task.cancelled() for task in leaving)
    assert 0 == failure_count

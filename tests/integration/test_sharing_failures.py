"""Whatever becomes of Redis, replicas work alone meanwhile and share again by themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog
from redis import exceptions as redis_exceptions

from service.domain.breaker import Circuit
from service.domain.peers import GONE_S, INTERVAL_S, STALE_S
from service.redis_door import RedisTerms
from service.redis_door.terms import TIMEOUT_S
from service.sharing.redis import FIELDS_MAX, KEY, SharedHash
from tests.kit.redis import RedisServer, redis_server
from tests.kit.replicas import BUSY, FAST, HEARD_WITHIN_S, SLACK_S, A, Replica, die, replicas, until


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


async def test_a_kill_and_a_restart(redis: RedisServer) -> None:
    """While Redis is dead each works alone; what was heard runs out; it all resumes by itself."""
    async with replicas(2, redis.url, FAST) as (first, second):
        first.see(A, BUSY)
        await until(lambda: second.view(A).quota_until > 0)
        with structlog.testing.capture_logs() as lines:
            redis.kill()
            took_s = await until(lambda: second.view(A).quota_until == 0)
            redis.start()
            resumed_s = await until(lambda: second.view(A).quota_until > 0)

        assert took_s < STALE_S / FAST + SLACK_S
        # Five intervals at most until the next try, and two looks to see the number move.
        assert resumed_s < 8.0 * INTERVAL_S / FAST + SLACK_S
        told = ["replicas share nothing for now"] * 2 + ["replicas share again"] * 2
        assert told == [line["event"] for line in lines]
        assert {f"127.0.0.1:{redis.port}"} == {line["server"] for line in lines}


async def test_a_redis_that_is_stopped(redis: RedisServer) -> None:
    """A Redis that takes connections and never answers is given up on in time, and found again."""
    async with replicas(2, redis.url, FAST) as (first, second):
        redis.stop()
        stopped_at = time.monotonic()
        await until(lambda: bool(first.sharer.failed_count and second.sharer.failed_count))
        took_s = time.monotonic() - stopped_at
        redis.resume()
        first.see(A, BUSY)
        await until(lambda: second.view(A).quota_until > 0)

        assert took_s < INTERVAL_S / FAST + TIMEOUT_S + SLACK_S
        assert 0 == first.sharer.failed_count


async def test_garbage_in_the_hash(redis: RedisServer) -> None:
    """What is no replica's word is counted and ignored; what is too large is removed at once."""
    async with replicas(2, redis.url, FAST) as (first, second):
        garbage = [b"", b"\xff" * 100, b"[1]", b'[1,[["a"]]]', b"[" * 5000, b'{"a":1}']
        for number, value in enumerate(garbage):
            redis.ask("HSET", KEY, f"garbage-{number}", value)
        redis.ask("HSET", KEY, "large", b"x" * 1_000_000)
        first.see(A, BUSY)
        took_s = await until(lambda: second.view(A).quota_until > 0)
        await until(lambda: b":0\r\n" == redis.ask("HEXISTS", KEY, "large"))

        assert took_s < HEARD_WITHIN_S / FAST + SLACK_S
        assert second.sharer.ignored_count >= len(garbage)
        assert 0 == second.sharer.failed_count
        assert b":8\r\n" == redis.ask("HLEN", KEY)


async def test_the_fields_of_the_dead_are_swept(redis: RedisServer) -> None:
    """A field that has not moved for a minute is removed by whoever sees it, garbage too."""
    async with replicas(3, redis.url, speed=40.0) as (first, second, _third):
        redis.ask("HSET", KEY, "garbage", "?")
        die(first)
        died_at = second.board.clock()
        await until(lambda: b":2\r\n" == redis.ask("HLEN", KEY))
        took_s = second.board.clock() - died_at

    assert GONE_S - INTERVAL_S < took_s < GONE_S + 40.0 * SLACK_S


async def test_a_round_trip_brings_a_bounded_number(redis: RedisServer) -> None:
    """However many fields there are, 65 are read: others each time."""
    for number in range(300):
        redis.ask("HSET", KEY, f"field-{number}", "?")
    shared = SharedHash(RedisTerms(redis.url))
    first, second = [await shared.exchange(b"mine", b"?") for _ in range(2)]
    await shared.aclose()

    assert (FIELDS_MAX, FIELDS_MAX) == (len(first), len(second))
    assert first.keys() != second.keys()


async def test_the_url_cannot_loosen_the_bounds(redis: RedisServer) -> None:
    """Options in the URL are heeded, but for those that bound how long a round trip takes."""
    options = "socket_timeout=60&protocol=3&decode_responses=true&client_name=mine"
    shared = SharedHash(RedisTerms(f"{redis.url}?{options}"))
    told = await shared.exchange(b"mine", b"?")
    clients = redis.ask("CLIENT", "LIST")
    redis.stop()
    began = time.monotonic()
    with pytest.raises(redis_exceptions.TimeoutError):
        await shared.exchange(b"mine", b"?")
    took_s = time.monotonic() - began
    await shared.aclose()

    assert {b"mine": b"?"} == told
    assert b"name=mine" in clients
    assert took_s < TIMEOUT_S + SLACK_S


async def test_an_option_that_nobody_knows(redis: RedisServer) -> None:
    """A URL that the library refuses leaves the replica alone, and says so without quoting it."""
    replica = Replica()
    with structlog.testing.capture_logs() as lines:
        await replica.sharer.follow(RedisTerms(redis.url + "?max_connections=hidden-secret"))

    assert "<Sharer alone>" == repr(replica.sharer)
    assert ["warning"] == [line["log_level"] for line in lines]
    assert "hidden-secret" not in str(lines)


async def test_another_kind_of_key(redis: RedisServer) -> None:
    """A key of another kind in our place is a failure like any other; it is left alone."""
    redis.ask("SET", KEY, "mine")
    replica = Replica()
    await replica.sharer.follow(RedisTerms(redis.url))
    await until(lambda: replica.sharer.failed_count > 0)
    await replica.sharer.follow(None)

    assert b"$4\r\nmine\r\n" == redis.ask("GET", KEY)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (("--requirepass", "right-password-123"), "AuthenticationError"),
        (("--maxmemory", "1", "--maxmemory-policy", "noeviction"), "OutOfMemoryError"),
    ],
    ids=["wrong password", "full"],
)
async def test_a_redis_that_refuses(tmp_path: Path, options: tuple[str, ...], kind: str) -> None:
    """The log names the server and the kind of the failure, once, and never a password."""
    with redis_server(tmp_path, *options) as redis, structlog.testing.capture_logs() as lines:
        replica = Replica()
        user = "" if kind == "OutOfMemoryError" else ":wrong-password-456@"
        url = redis.url.replace("127.0.0.1", f"{user}127.0.0.1")
        await replica.sharer.follow(RedisTerms(url))
        await until(lambda: replica.sharer.failed_count > 1)
        shown = repr(replica.sharer)
        await replica.sharer.follow(None)

    assert [kind] == [line["error"] for line in lines]
    assert "wrong-password" not in str(lines) + shown


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$abc\r\n", b"*1\r\n" * 5000, b"+OK\r\n" * 9]
)
async def test_a_server_that_is_no_redis(answer: bytes) -> None:
    """Whatever answers in place of Redis, the sharer goes on trying and nothing is raised."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    replica = Replica()
    await replica.sharer.follow(RedisTerms(f"redis://127.0.0.1:{port}/0"))
    await until(lambda: replica.sharer.failed_count > 1)
    await replica.sharer.follow(None)
    server.close()
    await server.wait_closed()

    assert Circuit.CLOSED is replica.view(A).circuit

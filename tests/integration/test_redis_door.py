"""One door to a single server, a Sentinel's master and a cluster: plain, with users, over TLS."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from redis import exceptions as redis_exceptions

from service.redis_door import (
    Mode,
    RedisTerms,
    UnreachableError,
    connect,
    kind,
    line,
    node_line,
    slots_by,
)
from service.sharing.redis import SharedHash
from tests.kit.certificates import Authority
from tests.kit.faulty_tcp import faulty_tcp
from tests.kit.redis import Front, redis_server
from tests.kit.redis_cluster import RedisCluster, redis_cluster
from tests.kit.redis_sentinel import redis_sentinel
from tests.kit.shared_cache import KEPT, TTL_S, key, shared_cache

PASSWORD = "secret-1"
USER = ("--user", "me", "on", f">{PASSWORD}", "~aip:*", "+@all")
LOGIN = f"me:{PASSWORD}@"
SLACK_S = 0.5


@contextmanager
def reachable(
    mode: Mode, folder: Path, *options: str, front: Front | None = None
) -> Generator[RedisTerms, None, None]:
    with ExitStack() as stack:
        match mode:
            case Mode.SINGLE:
                redis = stack.enter_context(redis_server(folder, *options))
                port = front(redis.port) if front else redis.port
                yield RedisTerms(f"redis://127.0.0.1:{port}/0")
            case Mode.SENTINEL:
                sentinel = stack.enter_context(redis_sentinel(folder, *options, front=front))
                terms = sentinel.terms()
                if front:
                    port = front(sentinel.sentinels[0].port)
                    terms = replace(terms, url=f"redis://127.0.0.1:{port}/0")
                yield terms
            case Mode.CLUSTER:
                yield stack.enter_context(redis_cluster(folder, *options, front=front)).terms()


async def works(terms: RedisTerms) -> None:
    """Replicas see each other, and each other's answers."""
    shared = SharedHash(terms)
    try:
        await shared.exchange(b"mine", b"1")
        told = await shared.exchange(b"other", b"2")
        await shared.remove(b"mine")
        left = await shared.exchange(b"other", b"2", [b"no such field"])
    finally:
        await shared.aclose()
    async with shared_cache(terms, wait_s=1.0) as answers:
        answers.put(key(1), KEPT, TTL_S)
        await answers.settled()
        got = await answers.get(key(1))

    assert {b"mine": b"1", b"other": b"2"} == told
    assert {b"other": b"2"} == left
    assert KEPT == got


@pytest.mark.parametrize("mode", list(Mode))
async def test_as_a_user_over_tls(mode: Mode, tmp_path: Path) -> None:
    """The URL names the user, `rediss` and an authority: all connections are made that way."""
    authority = Authority()
    certificate, private_key = authority.write(tmp_path, "redis", "redis")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(Authority("another authority").pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key)
    with ExitStack() as stack:

        def front(port: int) -> int:
            return stack.enter_context(faulty_tcp(port, context)).port

        with reachable(mode, tmp_path, *USER, front=front) as terms:
            address = terms.url.removeprefix("redis://").removesuffix("/0")
            url = f"rediss://{LOGIN}{address}/0?ssl_ca_certs={tmp_path}/"
            await works(replace(terms, url=f"{url}ca.pem"))
            refused = (redis_exceptions.RedisError, redis_exceptions.RedisClusterException)
            with pytest.raises(refused):
                await works(replace(terms, url=f"{url}other.pem"))


@pytest.mark.parametrize("mode", [Mode.SINGLE, Mode.SENTINEL])
async def test_in_plain(mode: Mode, tmp_path: Path) -> None:
    """Without a user and without TLS, too."""
    with reachable(mode, tmp_path) as terms:
        await works(terms)


async def test_sentinels_with_a_password(tmp_path: Path) -> None:
    """Sentinels have a password of their own, which the master does not know."""
    lines = [f"requirepass {PASSWORD}"]
    with redis_sentinel(tmp_path, lines=lines) as sentinel:
        await works(sentinel.terms(sentinel_password=PASSWORD))
        with pytest.raises(redis_exceptions.ConnectionError):
            await works(sentinel.terms(sentinel_password="wrong"))


async def test_a_unix_socket(tmp_path: Path) -> None:
    """A single server may be reached by a socket of the system."""
    socket = tmp_path / "s"
    with redis_server(tmp_path, "--unixsocket", str(socket)):
        await works(RedisTerms(f"unix://{socket}"))


async def test_it_tries_once(tmp_path: Path) -> None:
    """A silent server costs its time limit, and one that is not there next to nothing."""
    with redis_server(tmp_path) as redis:
        client, there = connect(redis.terms(timeout_s=0.2)), line(redis.terms(timeout_s=0.2))

        async def by_client() -> None:
            await client.get("key")

        async def by_line() -> None:
            await there.exchange([("GET", "key")])

        for ask in (by_client, by_line):
            await ask()
        redis.stop()
        silent = [await failing(ask) for ask in (by_client, by_line)]
        redis.resume()
        redis.kill()
        gone = [await failing(ask) for ask in (by_client, by_line)]
        await client.aclose()
        await there.aclose()

    assert ["TimeoutError", "TimeoutError"] == [name for name, _ in silent]
    assert all(0.19 < took_s < 0.2 + SLACK_S for _, took_s in silent)
    assert ["ConnectionError", "ConnectionError"] == [name for name, _ in gone]
    assert all(took_s < SLACK_S for _, took_s in gone)


async def failing(ask: Callable[[], Awaitable[None]]) -> tuple[str, float]:
    """The kind of what it raises, and how long that took, in seconds."""
    began_at = time.monotonic()
    try:
        await ask()
    except Exception as error:  # noqa: BLE001 - that is looked at
        return kind(error), time.monotonic() - began_at
    raise AssertionError("it did not fail")


async def test_a_line_after_an_error(tmp_path: Path) -> None:
    """Error replies come in their places, and the connection goes on."""
    with redis_server(tmp_path) as redis:
        there = line(redis.terms())
        replies = await there.exchange([("SET", "a", "1"), ("INCRBY", "a", "x"), ("GET", "a")])
        more = await there.exchange([("GET", "a")])
        connections = redis.count("total_connections_received")
        await there.aclose()

    assert [b"OK", "ResponseError", b"1"] == [
        kind(reply) if isinstance(reply, Exception) else reply for reply in replies
    ]
    assert [b"1"] == more
    # The first one looked whether it is there, the last one asked for the count.
    assert connections <= 3


@pytest.fixture(name="cluster", scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisCluster, None, None]:
    with redis_cluster(tmp_path_factory.mktemp("cluster"), replicas=True) as cluster:
        yield cluster


async def test_slots(cluster: RedisCluster, tmp_path: Path) -> None:
    """A node tells who has which slots; what is no cluster says so."""
    node = cluster.nodes[1]
    there = node_line(cluster.terms(), "127.0.0.1", node.port)
    found = await slots_by(there)
    await there.aclose()
    with redis_server(tmp_path) as redis:
        single = node_line(cluster.terms(), "127.0.0.1", redis.port)
        with pytest.raises(redis_exceptions.ResponseError):
            await slots_by(single)
        await single.aclose()

    expected = [(node.slots[0], node.slots[-1], "127.0.0.1", node.port) for node in cluster.nodes]
    assert expected == [(part.first, part.last, part.host, part.port) for part in found]


@pytest.mark.parametrize(
    "garbage",
    [
        b"+OK\r\n",
        b":1\r\n",
        b"*1\r\n*1\r\n:5\r\n",
        b"*1\r\n*3\r\n:5\r\n:99999\r\n*2\r\n$1\r\nh\r\n:1\r\n",
    ],
)
async def test_slots_that_are_none(tmp_path: Path, garbage: bytes) -> None:
    """An answer that is no list of slots raises ValueError."""
    with redis_server(tmp_path) as redis, faulty_tcp(redis.port) as front:
        front.garbage = garbage
        there = node_line(RedisTerms(front.url, Mode.CLUSTER), "127.0.0.1", front.port)
        with pytest.raises(ValueError, match="slots"):
            await slots_by(there)
        await there.aclose()


async def test_a_cluster_client_survives_the_loss_of_a_node(cluster: RedisCluster) -> None:
    """Keys at other nodes are reached throughout; those at a lost one when a replica has them."""
    client = connect(cluster.terms())
    lost = cluster.nodes[0]
    names = [b"aip:%d" % number for number in range(30)]
    for name in names:
        await client.set(name, b"1")
    lost.replicate()
    lost.kill()
    others = [name for name in names if cluster.owner(name) is not lost]
    its_own = next(name for name in names if cluster.owner(name) is lost)
    with pytest.raises(redis_exceptions.ConnectionError):
        await client.get(its_own)
    got = [await client.get(name) for name in others]
    async with asyncio.timeout(10):
        while True:
            try:
                async with client.pipeline(transaction=False) as pipe:
                    pipe.get(its_own)
                    (found,) = await pipe.execute()
                break
            except redis_exceptions.RedisError:
                await asyncio.sleep(0.1)
    await client.aclose()

    assert [b"1"] * len(others) == got
    assert b"1" == found


async def test_nobody_to_connect_to() -> None:
    """A line to where nobody listens raises that there is nobody."""
    there = line(RedisTerms("redis://127.0.0.1:1/0"))
    with pytest.raises(UnreachableError):
        await there.exchange([("PING",)])
    await there.aclose()


async def test_nobody_is_reached_by_a_line_that_was_closed(tmp_path: Path) -> None:
    """Who comes late, as a claim that is given up after all, opens no connection again."""
    with redis_server(tmp_path) as redis:
        there = line(redis.terms())
        await there.exchange([("PING",)])
        await there.aclose()
        async with asyncio.timeout(5):
            while redis.count("connected_clients") > 1:
                await asyncio.sleep(0.01)

        with pytest.raises(UnreachableError):
            await there.exchange([("PING",)])

        assert 1 == redis.count("connected_clients")

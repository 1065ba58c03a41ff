"""Makes the clients. None of them connects before it is asked something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
)

from service.redis_door.cluster import SteadyCluster
from service.redis_door.line import Line
from service.redis_door.options import CONNECTIONS_MAX, bounds, url_options
from service.redis_door.terms import Mode, RedisTerms
from service.redis_door.tls import MasterTlsConnection, TlsConnection, with_shared_tls

Client = Redis | RedisCluster


class _MasterPool(SentinelConnectionPool):
    """Connections to the master, and those to the sentinels: closed together."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def connect(terms: RedisTerms) -> Client:
    """A client. It raises what the library makes of a server that fails.

    Such an error may quote what was sent, a password too: log its `kind`, never its text. Raises
    ValueError for terms that contradict themselves.
    """
    limits = bounds(terms)
    match terms.mode:
        case Mode.SENTINEL:
            return _master(terms, limits)
        case Mode.CLUSTER:
            return _cluster(terms, limits)
        case Mode.SINGLE:
            return _single({**_options(terms), **limits})


def line(terms: RedisTerms) -> Line:
    """A line to the single server, or to whom sentinels call the master. ValueError as above."""
    limits = {**bounds(terms), "socket_timeout": None}
    if terms.mode is Mode.SENTINEL:
        return Line(_master(terms, limits), terms.timeout_s)
    return Line(_single({**_options(terms), **limits}), terms.timeout_s)


def node_line(terms: RedisTerms, host: str, port: int) -> Line:
    """A line to one node of a cluster, for what is in its slots. It follows no redirection."""
    there = {"host": host, "port": port, "socket_timeout": None}
    return Line(_single({**_anywhere(terms), **bounds(terms), **there}), terms.timeout_s, host)


def _single(options: Mapping[str, Any]) -> Redis:
    return Redis.from_pool(ConnectionPool(**options, max_connections=CONNECTIONS_MAX))


def _master(terms: RedisTerms, limits: Mapping[str, Any]) -> Redis:
    options = _anywhere(terms)
    speaks_tls = options.pop("connection_class", None) is TlsConnection
    sentinels = Sentinel([])
    sentinels.sentinels = [_sentinel(terms, host, port) for host, port in terms.addresses]
    pool = _MasterPool(
        terms.master,
        sentinels,
        connection_class=MasterTlsConnection if speaks_tls else SentinelManagedConnection,
        max_connections=CONNECTIONS_MAX,
        **options,
        **limits,
    )
    return Redis.from_pool(pool)


def _sentinel(terms: RedisTerms, host: str, port: int) -> Redis:
    # Who asks a sentinel has no time limit around it, and is no user of the master's.
    theirs = {"username": None, "password": terms.sentinel_password, "db": 0}
    there = {"host": host, "port": port}
    return _single({**_anywhere(terms), **bounds(terms), **theirs, **there})


def _cluster(terms: RedisTerms, limits: Mapping[str, Any]) -> RedisCluster:
    options = _anywhere(terms)
    if options.pop("db", 0):
        raise ValueError("a cluster of Redis has no database but 0")
    options.pop("connection_class", None)
    return SteadyCluster(terms.addresses, **options, **limits, max_connections=CONNECTIONS_MAX)


def _anywhere(terms: RedisTerms) -> dict[str, Any]:
    """Options without an address: that is others' to know."""
    options = _options(terms)
    if "path" in options:
        raise ValueError(f"a {terms.mode.value} of Redis is not reached by a unix socket")
    options.pop("host", None)
    options.pop("port", None)
    return options


def _options(terms: RedisTerms) -> dict[str, Any]:
    return with_shared_tls(url_options(terms))

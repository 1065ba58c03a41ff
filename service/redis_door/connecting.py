"""Makes the clients. None of them connects before it is asked something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from service.redis_door.cluster import SteadyCluster
from service.redis_door.line import Line
from service.redis_door.options import CONNECTIONS_MAX, bounds, url_options
from service.redis_door.terms import Mode, RedisTerms

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
            return _single({**url_options(terms), **limits})


def line(terms: RedisTerms) -> Line:
    """A line to the single server, or to whom sentinels call the master. ValueError as above."""
    limits = {**bounds(terms), "socket_timeout": None}
    if terms.mode is Mode.SENTINEL:
        return Line(_master(terms, limits), terms.timeout_s)
    return Line(_single({**url_options(terms), **limits}), terms.timeout_s)


def node_line(terms: RedisTerms, host: str, port: int) -> Line:
    """A line to one node of a cluster, for what is in its slots. It follows no redirection."""
    options = {**_networked(terms), **bounds(terms), "socket_timeout": None}
    if options.pop("ssl", False):
        options["connection_class"] = SSLConnection
    return Line(_single({**options, "host": host, "port": port}), terms.timeout_s, host)


def _single(options: Mapping[str, Any]) -> Redis:
    return Redis.from_pool(ConnectionPool(**options, max_connections=CONNECTIONS_MAX))


def _master(terms: RedisTerms, limits: Mapping[str, Any]) -> Redis:
    options = _networked(terms)
    ssl = {name: value for name, value in options.items() if name.startswith("ssl")}
    manager = Sentinel(
        terms.addresses,
        # Who asks sentinels has no limit around it.
        sentinel_kwargs={**bounds(terms), **ssl, "password": terms.sentinel_password},
    )
    pool = _MasterPool(terms.master, manager, **options, **limits, max_connections=CONNECTIONS_MAX)
    return Redis.from_pool(pool)


def _cluster(terms: RedisTerms, limits: Mapping[str, Any]) -> RedisCluster:
    options = _networked(terms)
    if options.pop("db", 0):
        raise ValueError("a cluster of Redis has no database but 0")
    return SteadyCluster(terms.addresses, **options, **limits, max_connections=CONNECTIONS_MAX)


def _networked(terms: RedisTerms) -> dict[str, Any]:
    """Options without an address: that is others' to know."""
    options = dict(url_options(terms))
    if "path" in options:
        raise ValueError(f"a {terms.mode.value} of Redis is not reached by a unix socket")
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
    options.pop("host", None)
    options.pop("port", None)
    return options

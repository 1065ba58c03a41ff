"""Makes the clients. None of them connects before it is asked something."""

from __future__ import annotations

from typing import Any

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from service.redis_door.cluster import SteadyCluster
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
    match terms.mode:
        case Mode.SENTINEL:
            return _master(terms)
        case Mode.CLUSTER:
            return _cluster(terms)
        case Mode.SINGLE:
            return _single({**url_options(terms), **bounds(terms)})


def connect_node(terms: RedisTerms, host: str, port: int) -> Redis:
    """A client of one node of a cluster, for what is in its slots. It follows no redirection."""
    return _single({**url_options(terms), **bounds(terms), "host": host, "port": port})


def _single(options: dict[str, Any]) -> Redis:
    return Redis.from_pool(ConnectionPool(**options, max_connections=CONNECTIONS_MAX))


def _master(terms: RedisTerms) -> Redis:
    options = _networked(terms)
    ssl = {name: value for name, value in options.items() if name.startswith("ssl")}
    manager = Sentinel(
        terms.addresses,
        sentinel_kwargs={**bounds(terms), **ssl, "password": terms.sentinel_password},
    )
    pool = _MasterPool(
        terms.master, manager, **options, **bounds(terms), max_connections=CONNECTIONS_MAX
    )
    return Redis.from_pool(pool)


def _cluster(terms: RedisTerms) -> RedisCluster:
    options = _networked(terms)
    if options.pop("db", 0):
        raise ValueError("a cluster of Redis has no database but 0")
    return SteadyCluster(
        terms.addresses, **options, **bounds(terms), max_connections=CONNECTIONS_MAX
    )


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

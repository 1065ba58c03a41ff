"""The library's client of a cluster, mended where one lost node would spoil it for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.asyncio.connection import RedisSSLContext
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import TimeoutError as LateError

from service.redis_door.options import once
from service.redis_door.tls import TlsConnection

# fmt: off
_FIRST_IS_KEY = frozenset((
    "DEL", "EXISTS", "EXPIRE", "GET", "HDEL", "HGET", "HGETALL", "HINCRBY", "HLEN", "HMGET",
    "HRANDFIELD", "HSET", "INCR", "INCRBY", "LLEN", "LPUSH", "LRANGE", "LTRIM", "PERSIST",
    "PEXPIRE", "PTTL", "RPUSH", "SADD", "SCARD", "SET", "SMEMBERS", "SREM", "TTL", "TYPE",
    "UNLINK", "XADD", "XLEN", "XRANGE", "XREVRANGE", "XTRIM", "ZADD", "ZCARD", "ZCOUNT", "ZRANGE",
    "ZRANGEBYSCORE", "ZREM", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREVRANGE",
    "ZREVRANGEBYSCORE", "ZSCORE",
))
# fmt: on


ASKED_EVERY_S = 2.0
"""To read who has which slots takes the library so long that others notice."""


class SteadyCluster(RedisCluster):
    """Asks for the slots anew after any failure, of any node it has ever known that answers.

    For what is not on the path of a request: that has a line to each node.
    """

    def __init__(
        self,
        seeds: Sequence[tuple[str, int]],
        *,
        tls: RedisSSLContext | None = None,
        **options: Any,
    ) -> None:
        self._seeds = list(seeds)
        self._asked_at = -ASKED_EVERY_S
        super().__init__(
            startup_nodes=[ClusterNode(host, port) for host, port in seeds],
            # Slots without a node are that node's trouble.
            require_full_coverage=False,
            **options,
        )
        if tls is not None:
            self._speak(tls)
        self.retry = once()
        self.commands_parser: Any = _KeyFirst(self.commands_parser)

    def _speak(self, tls: RedisSSLContext) -> None:
        self.nodes_manager.connection_kwargs |= {"connection_class": TlsConnection, "tls": tls}
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = TlsConnection
            node.connection_kwargs["tls"] = tls

    def doubt(self) -> None:
        """What is known of the slots may be wrong: the next command asks first."""
        self._initialize = True

    async def initialize(
        self,
        additional_startup_nodes_info: list[tuple[str, int]] | None = None,
        last_failed_node_name: str | None = None,
    ) -> RedisCluster:
        now = asyncio.get_running_loop().time()
        if self._initialize and now >= self._asked_at + ASKED_EVERY_S:
            # Those that were configured stay known, for when all others have moved.
            seeds = additional_startup_nodes_info or self._seeds
            await super().initialize(seeds, last_failed_node_name)
            self._asked_at = now
        return self

    async def aclose(self) -> None:
        # The library closes nothing while it has doubts.
        self._initialize = True
        await self.nodes_manager.aclose()
        await self.nodes_manager.aclose("startup_nodes")

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        # The library sends the first command anywhere.
        await self.initialize()
        return await super().execute_command(*args, **kwargs)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        if transaction or shard_hint:
            raise ValueError("no transactions over the nodes of a cluster")
        # The library's own stubs call its pipeline abstract.
        return _SteadyPipeline(self)  # pyright: ignore[reportAbstractUsage]


class _SteadyPipeline(ClusterPipeline):
    async def execute(
        self, raise_on_error: bool = True, allow_redirections: bool = True
    ) -> list[Any]:
        # Without this the library would ask a dead node for ever.
        try:
            results = await super().execute(raise_on_error, allow_redirections)
        except Exception:
            self._doubt()
            raise
        if any(isinstance(result, LostError | LateError) for result in results):
            self._doubt()
        return results

    def _doubt(self) -> None:
        if isinstance(self.cluster_client, SteadyCluster):
            self.cluster_client.doubt()


class _KeyFirst:
    """Finds the key of a command, and asks Redis only for a command that is not known here.

    The library asks one node for all commands it has at every start: were it the lost one, none
    of the others would be reached.
    """

    def __init__(self, asking: Any) -> None:
        self._asking = asking
        self._node: Any = None
        self._has_asked = False

    async def initialize(self, node: Any) -> None:
        self._node = node
        self._has_asked = False

    async def get_keys(self, *words: Any) -> Sequence[Any] | None:
        if words[0] in _FIRST_IS_KEY:
            return (words[1],)
        if not self._has_asked:
            await self._asking.initialize(self._node)
            self._has_asked = True
        return await self._asking.get_keys(*words)

"""Invalidations where Redis is several servers: a cluster, and a master with its replica."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.caches.invalidation import Invalidations
from service.domain.kept import Kept, Selector
from service.domain.provider import ModelRef
from service.ports import SharedCacheUnreachable
from service.redis_door import Client, RedisTerms, connect
from tests.kit.redis_cluster import redis_cluster
from tests.kit.redis_sentinel import redis_sentinel

KEY = b"k" * 32
OURS = Selector(tenant="t")
KEPT = Kept("t", "", "m", ModelRef("p", "m"), b"", 0.0, 1.0, 0.1, 0, None)
OTHERS = replace(KEPT, tenant="other")


class Replica:
    def __init__(self, client: Client) -> None:
        self.invalidations = Invalidations("aip", lambda: client)
        self._client = client

    def ask(self, kept: Kept = KEPT) -> Kept:
        return replace(kept, generation=self.invalidations.generation)

    def takes(self, kept: Kept) -> bool:
        return not self.invalidations.is_void(KEY, kept)

    async def hear(self) -> None:
        """As often as it takes."""
        async with asyncio.timeout(20.0):
            while not await self.heard():
                await asyncio.sleep(0.1)

    async def heard(self) -> bool:
        with contextlib.suppress(Exception):
            await self.invalidations.hear(self._client)
            return True
        return False


@asynccontextmanager
async def two(terms: RedisTerms) -> AsyncGenerator[tuple[Replica, Replica], None]:
    clients = [connect(terms), connect(terms)]
    try:
        first, second = map(Replica, clients)
        await first.hear()
        await second.hear()
        yield first, second
    finally:
        for client in clients:
            await client.aclose()


async def test_a_cluster(tmp_path: Path) -> None:
    """One node numbers them all. While it is lost nothing is acknowledged, and all are cut off."""
    with redis_cluster(tmp_path) as cluster:
        async with two(cluster.terms()) as (first, second):
            ours, others = second.ask(), second.ask(OTHERS)
            assert await first.invalidations.invalidate(OURS)
            await second.hear()
            assert [False, True] == [second.takes(ours), second.takes(others)]

            node = cluster.owner(b"aip:voids:1")
            node.kill()
            with pytest.raises(SharedCacheUnreachable):
                await first.invalidations.invalidate(Selector(tenant="other"))
            assert not await second.heard()
            late = time.monotonic() + 2.1
            assert second.invalidations.memory_age_max_s(late) < math.inf
            node.start()
            await first.hear()
            await second.hear()

            assert not second.takes(others)
            assert second.takes(first.ask())


async def test_a_failover_that_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """Whoever knew it notices, and a new epoch begins in which every older answer is void."""
    with redis_sentinel(tmp_path) as servers:
        async with two(servers.terms()) as (first, second):
            kept = second.ask()
            while servers.replica.ask("EXISTS", "aip:voids:1") != b":1\r\n":
                await asyncio.sleep(0.01)
            servers.replica.order("CONFIG", "SET", "masteruser", "nobody")
            servers.replica.order("CONFIG", "SET", "masterauth", "wrong")
            assert b":1\r\n" == servers.replica.ask("CLIENT", "KILL", "TYPE", "master")
            assert await first.invalidations.invalidate(OURS)
            servers.master.kill()

            await second.hear()
            assert second.takes(kept)
            await first.hear()
            await second.hear()
            assert not second.takes(kept)
            assert second.takes(first.ask())

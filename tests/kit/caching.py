"""The answer cache around a router, in memory alone, and a journal of what it did."""

from __future__ import annotations

import time
from collections.abc import Callable

from service.caches.invalidation import Invalidations
from service.caches.memory import Memory
from service.caches.tiered import TieredCache
from service.domain.cache_stats import CacheCounters, CacheReport
from service.domain.cache_use import CacheConduct, CacheTerms, KeepPolicy
from service.domain.kept import Kept, Selector
from service.domain.request import Question
from service.pipeline.answers import Answers
from service.pipeline.fetching import Fetcher
from service.pipeline.relay import Alone, Relay
from service.pipeline.router import Router
from service.ports import AnswerCache, Claims, Invalidated
from service.rpc.scribe import WireScribe

NO_CACHE = CacheConduct(CacheTerms(KeepPolicy.OFF))
"""For tests that ask the same again and again."""


class Parcels:
    """For replicas in one process."""

    def pack(self, key: bytes, kept: Kept) -> bytes:
        from service.caches.codec import encode

        return encode(key, kept, 1 << 30)

    def unpack(self, key: bytes, blob: bytes) -> Kept:
        from service.caches.codec import decode

        return decode(key, blob, 1 << 30)


class CachingParts:
    """What the pipeline needs of caching. `cache` may be shared by several."""

    def __init__(
        self,
        router: Router,
        cache: AnswerCache | None = None,
        claims: Claims | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.memory = Memory[Kept](64 * 2**20, 10_000)
        self.invalidations = Invalidations()
        tiered = cache or TieredCache(self.memory, self.invalidations, clock=clock)
        repeats = TieredCache(Memory[Kept](2**20, 1000), self.invalidations, clock=clock)
        scribe = WireScribe(tiered.now)

        def scope(question: Question) -> bytes:
            model, tenant, namespace = question.model, question.tenant, question.cache.namespace
            return router.roster.scope(model, tenant, namespace, question.wish)

        self.counters = CacheCounters(tiered.now())
        self.answers = Answers(tiered, repeats, scribe, scope, self.counters)
        self.answers.conduct = NO_CACHE
        self.fetcher = Fetcher(router, tiered, scribe)
        self.relay = Relay(claims or Alone(), Parcels())

    async def invalidate(self, selector: Selector) -> Invalidated:
        await self.invalidations.invalidate(selector)
        return Invalidated(self.memory.remove_where(self.invalidations.is_void), 0.0, 0.0)

    def report(self, tenant: str | None) -> CacheReport:
        memory = self.memory
        return CacheReport(
            self.counters.total() if tenant is None else self.counters.of(tenant),
            self.counters.since,
            len(memory),
            memory.bytes,
            memory.bytes_max,
            memory.store_count,
            memory.eviction_count,
        )

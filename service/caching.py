"""The part of the composition root that builds the answer cache, and rebuilds it on a reload."""

from __future__ import annotations

import structlog

from service.caches.claims import RedisClaims
from service.caches.codec import decode, encode
from service.caches.invalidation import Invalidations
from service.caches.memory import Memory
from service.caches.redis import RedisAnswers, SharedLimits
from service.caches.tiered import TieredCache
from service.config import CacheSettings, Settings
from service.config import domain as values
from service.domain.cache_stats import CacheCounters, CacheReport, SharedState
from service.domain.kept import Kept, Selector
from service.domain.request import Question
from service.pipeline.answers import Answers
from service.pipeline.fetching import Fetcher
from service.pipeline.relay import Alone, Relay
from service.pipeline.router import Router
from service.ports import Invalidated
from service.redis_door import Client, Mode, RedisTerms
from service.rpc.scribe import WireScribe

_REPEATS_MAX = 1_000_000
_log = structlog.get_logger()


class Caching:
    """To be made in a running loop. `follow`, then `adopt` whenever the configuration changes."""

    def __init__(self, router: Router, settings: Settings) -> None:
        # Invalidations are told under it: another one is another cache.
        self._prefix = settings.cache.redis_prefix
        self.shared: RedisAnswers | None = None
        """None where nothing is shared."""
        self._claims: RedisClaims | None = None
        self._followed: tuple[RedisTerms, SharedLimits] | None = None
        self.invalidations = Invalidations(self._prefix, self._client)
        self.memory = Memory[Kept](0, 0)
        self._repeats = Memory[Kept](0, _REPEATS_MAX)
        self._cache = TieredCache(self.memory, self.invalidations)
        # To bill once is worth more than to heed what nobody could be told.
        self._repeat_cache = TieredCache(self._repeats, self.invalidations, holds_on=True)
        scribe = WireScribe(self._cache.now)

        def scope(question: Question) -> bytes:
            model, tenant, namespace = question.model, question.tenant, question.cache.namespace
            return router.roster.scope(model, tenant, namespace, question.wish)

        self.counters = CacheCounters(self._cache.now())
        self.answers = Answers(self._cache, self._repeat_cache, scribe, scope, self.counters)
        self.fetcher = Fetcher(router, self._cache, scribe)
        self.relay = Relay(Alone(), _Parcels())
        self.adopt(settings)

    def adopt(self, settings: Settings) -> None:
        """Takes over what can change at once."""
        cache = settings.cache
        self.answers.conduct = values.cache_conduct(cache)
        self.memory.bytes_max = cache.memory_bytes_max
        self.memory.entries_max = cache.memory_entries_max
        self._repeats.bytes_max = cache.idempotency_bytes_max
        self.invalidations.cut_off_ttl_s = cache.cut_off_ttl_s

    async def follow(self, settings: Settings) -> None:
        """Shares answers through the Redis that is configured, or with nobody."""
        wanted = self._wanted(settings.cache)
        if wanted == self._followed:
            return
        await self.aclose()
        self._followed = wanted
        if wanted is None:
            return
        terms, limits = wanted
        try:
            shared = RedisAnswers(terms, limits)
        except ValueError as error:
            _log.warning("answers are shared with nobody: cache.redis_url", problem=str(error))
            return
        shared.each_round.append(self.invalidations.hear)
        self.shared = self._cache.shared_level = self._repeat_cache.shared_level = shared
        self._claims = RedisClaims(shared.lanes, limits.prefix, terms.timeout_s, limits.wait_s)
        self.relay.claims = self._claims
        await shared.start()

    async def aclose(self) -> None:
        """Gives up what is shared; the memory of this replica goes on."""
        self.relay.claims = Alone()
        self._cache.shared_level = self._repeat_cache.shared_level = None
        claims, self._claims = self._claims, None
        shared, self.shared = self.shared, None
        if claims is not None:
            await claims.aclose()
        if shared is not None:
            await shared.aclose()

    async def invalidate(self, selector: Selector) -> Invalidated:
        """Raises SharedCacheUnreachable, when it counts on this replica alone so far."""
        invalidations = self.invalidations
        try:
            await invalidations.invalidate(selector)
        finally:
            # They would be found void one by one; this frees their room, and tells how many.
            removed = self._cache.forget_void() + self._repeat_cache.forget_void()
        reaches_s, cut_off_s = invalidations.reaches_within_s, invalidations.cut_off_within_s
        return Invalidated(removed, reaches_s, cut_off_s)

    def report(self, tenant: str | None) -> CacheReport:
        """`tenant` of None means all together."""
        counters, memory = self.counters, self.memory
        return CacheReport(
            counters.total() if tenant is None else counters.of(tenant),
            counters.since,
            len(memory),
            memory.bytes,
            memory.bytes_max,
            memory.store_count,
            memory.eviction_count,
            self._shared_state(),
        )

    def _shared_state(self) -> SharedState:
        shared = self.shared
        if shared is None:
            return SharedState()
        return SharedState(
            shared.state,
            shared.problem,
            shared.failure_count + shared.late_count,
            shared.skip_count,
            shared.lost_store_count,
        )

    def _client(self) -> Client | None:
        return None if self.shared is None else self.shared.client

    def _wanted(self, cache: CacheSettings) -> tuple[RedisTerms, SharedLimits] | None:
        terms = redis_terms(cache)
        if terms is None or not cache.enabled:
            return None
        limits = SharedLimits(
            self._prefix, cache.redis_wait_s, cache.compress_bytes_min, cache.entry_bytes_max
        )
        return terms, limits


class _Parcels:
    """Answers on their way to other replicas."""

    def pack(self, key: bytes, kept: Kept) -> bytes:
        return encode(key, kept, _PACK_BYTES_MIN)

    def unpack(self, key: bytes, blob: bytes) -> Kept:
        return decode(key, blob, _PARCEL_BYTES_MAX)


_PACK_BYTES_MIN = 4096
_PARCEL_BYTES_MAX = 1 << 30


def redis_terms(cache: CacheSettings) -> RedisTerms | None:
    """How to reach the Redis that is configured; None if there is none."""
    if cache.redis_url is None:
        return None
    password = cache.redis_sentinel_password
    return RedisTerms(
        cache.redis_url.get_secret_value(),
        Mode(cache.redis_mode.value),
        cache.redis_nodes,
        cache.redis_master,
        password.get_secret_value() if password else None,
        cache.redis_timeout_s,
    )

"""The part of the composition root that builds the answer cache, and rebuilds it on a reload."""

from __future__ import annotations

from typing import Any

from service.caches.invalidation import Invalidations
from service.caches.memory import Memory
from service.caches.tiered import TieredCache
from service.config import Settings
from service.config import domain as values
from service.domain.kept import Kept
from service.domain.request import Question
from service.pipeline.answers import Answers
from service.pipeline.fetching import Fetcher
from service.pipeline.relay import Alone, Relay
from service.pipeline.router import Router
from service.rpc.scribe import WireScribe


class _Quiet:
    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Caching:
    """`adopt` takes over what a reload may change."""

    def __init__(self, router: Router) -> None:
        self.invalidations = Invalidations()
        self._memory = Memory[Kept](0, 0)
        self._repeats = Memory[Kept](0, _REPEATS_MAX)
        cache = TieredCache(self._memory, self.invalidations)
        repeats = TieredCache(self._repeats, self.invalidations)
        scribe = WireScribe(cache.now)

        def scope(question: Question) -> bytes:
            model, tenant, namespace = question.model, question.tenant, question.cache.namespace
            return router.roster.scope(model, tenant, namespace, question.wish)

        self.answers = Answers(cache, repeats, scribe, scope, _Quiet())
        self.fetcher = Fetcher(router, cache, scribe)
        self.relay = Relay(Alone(), None)  # type: ignore

    def adopt(self, settings: Settings) -> None:
        cache = settings.cache
        self.answers.conduct = values.cache_conduct(cache)
        self._memory.bytes_max = cache.memory_bytes_max
        self._memory.entries_max = cache.memory_entries_max
        self._repeats.bytes_max = cache.idempotency_bytes_max


_REPEATS_MAX = 1_000_000

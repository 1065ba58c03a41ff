"""Two levels as one: the memory of this replica, then what replicas share.

Decides nothing about what is kept. What is void or has expired is never given.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from service.caches.invalidation import Invalidations
from service.caches.kept_size import kept_bytes
from service.caches.memory import Memory
from service.domain.kept import Kept
from service.domain.waited import Waited


class Shared(Protocol):
    """The level that replicas share. Nothing raises; what fails is a miss."""

    def now(self) -> float:
        """Seconds since the epoch, on the clock that replicas share."""
        ...

    async def get(self, key: bytes, waited: Waited | None = None) -> Kept | None: ...

    def put(self, key: bytes, kept: Kept, ttl_s: float) -> None: ...


class TieredCache:
    """`shared_level` is None where no Redis is configured. It may be replaced at any time.

    With `holds_on`, answers are taken also while nobody could tell that they were made void.
    """

    def __init__(
        self,
        memory: Memory[Kept],
        invalidations: Invalidations,
        shared: Shared | None = None,
        *,
        holds_on: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.memory = memory
        self.shared_level = shared
        self._holds_on = holds_on
        self._invalidations = invalidations
        self._clock = clock
        self._monotonic = monotonic

    def __repr__(self) -> str:
        return f"<TieredCache {self.memory!r} {self.shared_level or 'alone'!r}>"

    @property
    def generation(self) -> int:
        return self._invalidations.generation

    def now(self) -> float:
        shared = self.shared_level
        return self._clock() if shared is None else shared.now()

    def local(self, key: bytes) -> Kept | None:
        now = self.now()
        kept = self.memory.get(key, now)
        if kept is None:
            return None
        if self._invalidations.is_void(key, kept):
            self.memory.remove(key)
            return None
        return kept if self._is_known_good(kept, now) else None

    async def shared(self, key: bytes, waited: Waited | None = None) -> Kept | None:
        shared = self.shared_level
        if shared is None:
            return None
        kept = await shared.get(key, waited)
        now = self.now()
        # Who has just begun may not know yet what is void: so nothing is removed there.
        if kept is None or self._invalidations.is_void(key, kept) or kept.expires_at <= now:
            return None
        # The answers of a cluster may be within reach, and what is void there not.
        if not self._is_known_good(kept, now):
            return None
        self._remember(key, kept)
        return kept

    def keep(self, key: bytes, kept: Kept) -> None:
        if not self._remember(key, kept):
            return
        if self.shared_level is not None:
            ttl_s = kept.expires_at - self.now()
            if ttl_s > 0:
                self.shared_level.put(key, kept, ttl_s)

    def replace_local(self, key: bytes, kept: Kept) -> None:
        self._remember(key, kept)

    def forget_void(self) -> int:
        """How many answers left memory, since they are void."""
        return self.memory.remove_where(self._invalidations.is_void)

    def _is_known_good(self, kept: Kept, now: float) -> bool:
        """Whether we would have heard, had it been made void since it was asked for; or nearly so.

        Its age counts from then: what was made void meanwhile is void when it comes.
        """
        if self._holds_on:
            return True
        age_s = now - _asked_at(kept)
        return age_s <= self._invalidations.memory_age_max_s(self._monotonic())

    def _remember(self, key: bytes, kept: Kept) -> bool:
        """False where memory has an answer that was asked for later: it is the one that counts."""
        now = self.now()
        known = self.memory.get(key, now)
        newer = known is not None and _asked_at(known) > _asked_at(kept)
        if newer and known is not None and not self._invalidations.is_void(key, known):
            return False
        self.memory.put(key, kept, kept_bytes(kept), kept.expires_at, now)
        return True


def _asked_at(kept: Kept) -> float:
    return kept.made_at - kept.took_s

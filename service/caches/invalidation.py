"""Tells this replica and all others which answers are void. No request waits for it.

Redis numbers the invalidations in one hash, and replicas look each second whether it has changed.
When Redis has lost them a new epoch begins, in which every older answer is void. What could not be
told counts for this replica alone, under stamps between two numbers, and is told later.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog

from service.caches.ledger import (
    BEGIN_ANEW,
    EVERYTHING,
    READ,
    STATE,
    WRITE,
    Ledger,
    field_of,
    ledger,
)
from service.domain.kept import Kept, Selector
from service.domain.voids import ALONE_MAX, EPOCH_MAX, SELECTORS_MAX, Voids
from service.ports import SharedCacheUnreachable

REACHES_WITHIN_S = 2.0
"""A replica that has heard nothing for so long is cut off."""

_NONCE_MAX = 2**31
_LATE_S = 3600
"""Answers that are asked for when an invalidation comes may begin to live much later."""
_LEFT_MAX = 1000
_TRIES = 4
_log = structlog.get_logger()


class Shared(Protocol):
    """What is needed of a client of Redis, or of a cluster. Raises whatever it likes."""

    def hget(self, name: str, key: bytes, /) -> Awaitable[Any]: ...

    def eval(self, script: str, numkeys: int, /, *keys_and_args: Any) -> Awaitable[Any]: ...


class Invalidations:
    """`client` gives None where no Redis is configured. `lifetime_s` is the longest of an answer.

    `heard_at` is when the last look at Redis began that succeeded, in the seconds of `clock`.
    """

    def __init__(
        self,
        prefix: str = "aip",
        client: Callable[[], Shared | None] = lambda: None,
        *,
        lifetime_s: float = 604_800.0,
        cut_off_ttl_s: float = 30.0,
        timeout_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.heard_at = -math.inf
        self.cut_off_ttl_s = cut_off_ttl_s
        self._hash = f"{prefix}:voids:1"
        self._client = client
        self._keep_s = math.ceil(lifetime_s) + _LATE_S
        self._timeout_s = timeout_s
        self._clock = clock
        self._known: Ledger | None = None
        self._voids = Voids(_epoch())
        # A failover may bring an older epoch back, and must not bring back what was void in ours.
        self._left: deque[int] = deque(maxlen=_LEFT_MAX)
        self._untold: dict[Selector, None] = {}
        # What was asked of Redis first must not be taken for the newer.
        self._talk = asyncio.Lock()

    def __repr__(self) -> str:
        where = "alone" if self._known is None else f"as Redis numbers {self._known.number}"
        return f"<Invalidations {where}: {len(self._voids)} selectors, {len(self._untold)} untold>"

    @property
    def generation(self) -> int:
        """The stamp of an answer that is asked for now."""
        return self._voids.generation

    @property
    def reaches_within_s(self) -> float:
        """How soon a replica heeds what was acknowledged; 0 when there are no others."""
        return 0.0 if self._client() is None else REACHES_WITHIN_S

    @property
    def cut_off_within_s(self) -> float:
        """The same for a replica that does not reach Redis."""
        return 0.0 if self._client() is None else max(REACHES_WITHIN_S, self.cut_off_ttl_s)

    def is_void(self, key: bytes, kept: Kept) -> bool:
        return self._voids.is_void(key, kept)

    def memory_age_max_s(self, now: float) -> float:
        """Answers that were asked for earlier are not taken, from memory or from the shared cache.

        Somebody may have made them void unheard. `now` is in the seconds of `clock`.
        """
        if now - self.heard_at <= REACHES_WITHIN_S or self._client() is None:
            return math.inf
        return self.cut_off_ttl_s

    async def invalidate(self, selector: Selector) -> bool:
        """Counts here at once. True when Redis has confirmed it, False where there is none.

        Raises SharedCacheUnreachable when Redis does not confirm: then the others are told when it
        can be reached again.
        """
        client = self._client()
        if client is None and self._known is not None:
            self._leave()
        self._apply(selector)
        if client is None:
            return False
        self._untold[selector] = None
        if len(self._untold) > SELECTORS_MAX:
            self._untold = {Selector(): None}
        try:
            async with asyncio.timeout(self._timeout_s), self._talk:
                await self._tell(client)
        except Exception as error:
            # Only its kind: it may quote a password.
            raise SharedCacheUnreachable(type(error).__name__) from error
        return True

    async def hear(self, client: Shared) -> None:
        """To be called each second. Raises whatever a broken Redis makes of the library."""
        began_at = self._clock()
        async with asyncio.timeout(self._timeout_s), self._talk:
            state = await client.hget(self._hash, STATE)
            if self._known is None or state != self._known.state:
                await self._adopt(client, await client.eval(READ, 1, self._hash))
            self.heard_at = began_at
            await self._tell(client)

    def _apply(self, selector: Selector) -> None:
        if self._known is not None and self.generation & ALONE_MAX == ALONE_MAX:
            # The next number is for Redis to give. An epoch of our own has room enough.
            self._leave()
        self._voids.add(selector, self.generation + 1)

    def _leave(self) -> None:
        if self._known is not None:
            self._left.append(self._known.epoch)
            _log.warning("every answer in memory is void: the shared cache forgot, or was given up")
        self._known, self._voids = None, Voids(_epoch())

    async def _tell(self, client: Shared) -> None:
        told = list(self._untold)
        if not told:
            return
        words = (_epoch(), _nonce(), self._keep_s, SELECTORS_MAX, EVERYTHING)
        fields = await client.eval(WRITE, 1, self._hash, *words, *map(field_of, told))
        for selector in told:
            self._untold.pop(selector, None)
        await self._adopt(client, fields)

    async def _adopt(self, client: Shared, fields: bytes) -> None:
        for _ in range(_TRIES):
            told = ledger(fields)
            if told is not None and self._may_follow(told):
                self._follow(told)
                return
            if fields or self._known is not None:
                _log.warning("the shared cache has lost what was void: all that it holds is void")
            seen = hashlib.sha1(fields, usedforsecurity=False).hexdigest()
            words = (seen, _epoch(), _nonce())
            fields = await client.eval(BEGIN_ANEW, 1, self._hash, *words)
        raise RuntimeError("the hash of invalidations changes while it is read")

    def _may_follow(self, told: Ledger) -> bool:
        if told.epoch in self._left:
            return False
        known = self._known
        return known is None or told.epoch != known.epoch or told.goes_on_from(known)

    def _follow(self, told: Ledger) -> None:
        if self._known is not None and told.epoch != self._known.epoch:
            self._leave()
        self._voids = told.voids(self._known, self._voids)
        self._known = told
        number = self.generation + 1
        for selector in self._untold:
            # Nobody knows which of the others' answers came before it.
            self._voids.add(selector, number)


def _epoch() -> int:
    return 1 + secrets.randbelow(EPOCH_MAX)


def _nonce() -> int:
    return secrets.randbelow(_NONCE_MAX)

"""One who is told what another replica hears of a provider. It never asks a provider itself."""

from __future__ import annotations

import asyncio
import contextlib

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.errors import ServiceFailure
from service.domain.kept import Kept
from service.domain.reasons import ErrorReason
from service.pipeline import relay_words as words
from service.pipeline.relay_errand import LEASE_S, Errand, Parcels
from service.pipeline.routed import Begun
from service.pipeline.told import Finished, Landed, Spoken
from service.ports import Claims

LOOK_S = (0.01, 0.02, 0.05)
"""The pauses between looks; the last one again and again."""
SAY_S = 0.25
"""How often the holder is told that somebody waits."""


class Follower:
    """Hears what the holder of a claim tells, and adds it to the flight."""

    def __init__(self, claims: Claims, parcels: Parcels, errand: Errand) -> None:
        self._claims = claims
        self._parcels = parcels
        self._errand = errand
        self.has_seen_holder = False
        """Whether there was anybody to follow."""
        self._say_at = 0.0
        self._since = 0
        self._has_begun = False
        self._frames: list[bytes] = []
        self._now = asyncio.get_running_loop().time

    async def landed(self) -> Landed | None:
        """None when the holder is gone and nothing was heard of it: somebody else is next."""
        holder = b""
        looks = 0
        seen_at = self._now()
        while True:
            told = await self._claims.told(self._errand.key, holder, self._since, self._wait_s())
            if told is not None:
                seen_at = self._now()
                holder = holder or told.holder
                self.has_seen_holder |= bool(holder)
                self._since += len(told.pieces)
                try:
                    for piece in told.pieces:
                        landed = self._hear(words.read(piece))
                        if landed is not None:
                            return landed
                except ValueError:
                    return await self._lost()
                if not told.holder or told.holder != holder:
                    return await self._lost()
            elif not self._has_begun or self._now() - seen_at > LEASE_S:
                # Who has begun to hear waits a while for Redis: nobody else can go on for it.
                return await self._lost()
            await asyncio.sleep(LOOK_S[min(looks, len(LOOK_S) - 1)])
            looks += 1

    def _wait_s(self) -> float:
        """How long somebody waits here yet, now and then; else 0."""
        now = self._now()
        if now < self._say_at:
            return 0.0
        self._say_at = now + SAY_S
        return max(0.0, self._errand.flight.request.deadline - now)

    def _hear(self, word: words.Word) -> Landed | None:
        """Raises ValueError for what is no answer to the key."""
        flight = self._errand.flight
        match word:
            case words.ItLanded(parcel, keepable):
                landed = self._land(self._parcels.unpack(self._errand.key, parcel))
                landed.keepable = keepable
                return landed
            case words.ItSpoke(frame):
                self._frames.append(frame)
                flight.add(Spoken(frame))
            case words.ItBegan(target, content):
                self._errand.require_same(content)
                self._has_begun = True
                flight.add(CacheNote(CacheStatus.COALESCED, flight.key))
                flight.add(Begun(target))
            case words.ItLives():
                pass
        return None

    def _land(self, kept: Kept) -> Landed:
        """Adds what is yet to be heard. Raises ValueError where it is not what was heard."""
        self._errand.require_same(kept.content)
        if self._has_begun:
            heard_count = len(self._frames)
            if kept.finished is None or list(kept.frames[:heard_count]) != self._frames:
                raise ValueError("it began anew where it was asked for")
            for frame in kept.frames[heard_count:]:
                self._errand.flight.add(Spoken(frame))
            target = kept.target
            self._errand.flight.add(Finished(kept.finished, target, None, kept.cost_nano_usd))
        return Landed(kept, keepable=False)

    async def _lost(self) -> Landed | None:
        if not self._has_begun:
            return None
        kept = await self._errand.recheck(None)
        if kept is not None:
            with contextlib.suppress(ValueError):
                return self._land(kept)
        raise ServiceFailure(
            ErrorReason.STREAM_INTERRUPTED,
            "the answer broke off after it had begun: the replica that asked for it gave it up,"
            " or cannot be heard any more",
        )

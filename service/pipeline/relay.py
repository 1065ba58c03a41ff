"""Equal calls on several replicas: one asks the provider, the others are told what it hears.

Who asks holds a claim, which runs out when it dies: then exactly one of the others is next. While
replicas cannot reach each other, each asks by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.errors import ServiceFailure
from service.domain.kept import Kept
from service.domain.reasons import ErrorReason
from service.pipeline import relay_words as words
from service.pipeline.flights import Flight
from service.pipeline.router import Begun
from service.pipeline.told import Finished, Landed, Spoken, StreamPiece
from service.ports import Claims

LEASE_S = 5.0
"""How long others wait for one who has died."""
RENEW_S = 1.5
TELL_S = 0.05
"""What is heard within that time is told at once."""
LOOK_S = (0.01, 0.02, 0.05)
"""The pauses between looks; the last one again and again."""
TOLD_FOR_S = 15.0
ONWARD_S = 0.01
"""Before somebody asks who was told nothing."""
AnswerFlight: TypeAlias = Flight[StreamPiece, Landed]
Tell = Callable[[StreamPiece], None]
Fetch = Callable[[Tell], Awaitable[Landed]]
Recheck = Callable[[], Awaitable[Kept | None]]
RequireSame = Callable[[bytes], None]


class Parcels(Protocol):
    """Answers as bytes, for other replicas. `unpack` raises ValueError for anything else."""

    def pack(self, key: bytes, kept: Kept) -> bytes: ...

    def unpack(self, key: bytes, blob: bytes) -> Kept: ...


class Alone:
    """The claims of a replica that knows of no other."""

    available = False

    async def claim(self, key: bytes, token: bytes, lease_s: float) -> None: ...

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> None: ...

    def release(self, key: bytes, token: bytes) -> None: ...

    def tell(self, key: bytes, token: bytes, pieces: Sequence[bytes], keep_s: float) -> None: ...

    async def told(self, key: bytes, holder: bytes, since: int) -> None: ...


class Errand(NamedTuple):
    """What is to be brought, and how. `fetch` is handed what to tell the others with."""

    key: bytes
    flight: AnswerFlight
    fetch: Fetch
    recheck: Recheck
    """Looks once more for an answer that another replica has kept a moment ago."""
    require_same: RequireSame
    """Raises ServiceFailure where the digest of what another replica asks is not ours."""


class Relay:
    """`fetch` and `require_same` raise ServiceFailure, and so does `landed`."""

    def __init__(self, claims: Claims, parcels: Parcels) -> None:
        self.claims = claims
        """May be replaced at any time."""
        self._parcels = parcels

    @property
    def is_open(self) -> bool:
        return self.claims.available

    async def landed(self, errand: Errand) -> Landed:
        """What is fetched, here or elsewhere."""
        token = secrets.token_bytes(8)
        claims = self.claims
        while True:
            ours = await claims.claim(errand.key, token, LEASE_S)
            if ours is None:
                return await errand.fetch(nobody)
            if ours:
                return await self._lead(claims, token, errand)
            landed = await _Follower(claims, self._parcels, errand).landed()
            if landed is not None:
                return landed
            await asyncio.sleep(ONWARD_S)

    async def _lead(self, claims: Claims, token: bytes, errand: Errand) -> Landed:
        key = errand.key
        leader = _Leader(claims, token, errand)
        renewing = asyncio.create_task(leader.renew(), name="claim")
        try:
            # Whoever had the claim before may have landed since the cache was asked.
            kept = await errand.recheck()
            if kept is not None:
                return Landed(kept)
            landed = await errand.fetch(leader.hear)
            leader.tell_last(self._parcels.pack(key, landed.kept), keepable=landed.keepable)
        finally:
            renewing.cancel()
            leader.close()
            claims.release(key, token)
        return landed


class _Leader:
    """Tells the others what is heard, a little at a time."""

    def __init__(self, claims: Claims, token: bytes, errand: Errand) -> None:
        self._claims = claims
        self._key = errand.key
        self._token = token
        self._content = errand.flight.content
        self._heard: list[bytes] = []
        self._has_told = False
        self._began_anew = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def hear(self, piece: StreamPiece) -> None:
        match piece:
            case Begun(broken=broken) if broken is not None:
                # There are no words for it: others get the end, if they have heard nothing yet.
                self._began_anew = True
                self._heard.clear()
            case Spoken(frame) if not self._began_anew:
                self._add(words.ItSpoke(frame))
            case Begun(target):
                self._add(words.ItBegan(target, self._content))
            case _:
                pass

    def tell_last(self, parcel: bytes, *, keepable: bool) -> None:
        self._heard.append(words.write(words.ItLanded(parcel, keepable)))
        self._tell()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            await self._claims.renew(self._key, self._token, LEASE_S)
            if self._has_told:
                # What was told lives no longer than that; a model may think for longer.
                self._add(words.ItLives())

    def _add(self, word: words.Word) -> None:
        self._heard.append(words.write(word))
        if self._timer is None:
            self._timer = self._loop.call_later(TELL_S, self._tell)

    def _tell(self) -> None:
        self.close()
        heard, self._heard = self._heard, []
        if heard:
            self._has_told = True
            self._claims.tell(self._key, self._token, heard, TOLD_FOR_S)


class _Follower:
    """Hears what the holder of a claim tells, and adds it to the flight."""

    def __init__(self, claims: Claims, parcels: Parcels, errand: Errand) -> None:
        self._claims = claims
        self._parcels = parcels
        self._errand = errand
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
            told = await self._claims.told(self._errand.key, holder, self._since)
            if told is not None:
                seen_at = self._now()
                holder = holder or told.holder
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
        kept = await self._errand.recheck()
        if kept is not None:
            with contextlib.suppress(ValueError):
                return self._land(kept)
        raise ServiceFailure(
            ErrorReason.STREAM_INTERRUPTED,
            "the answer broke off after it had begun: the replica that asked for it gave it up,"
            " or cannot be heard any more",
        )


def relay_key(*pieces: bytes) -> bytes:
    """One key for what several pieces tell."""
    return hashlib.sha256(b"aip relay 1" + b"".join(pieces)).digest()


def nobody(_: StreamPiece) -> None:
    """There are no others to tell."""

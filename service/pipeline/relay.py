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
from typing import Protocol, TypeAlias

import orjson

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.errors import ServiceFailure
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
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
_SPOKEN, _BEGUN, _LANDED = b"s", b"b", b"l"

AnswerFlight: TypeAlias = Flight[StreamPiece, Landed]
Tell = Callable[[StreamPiece], None]
Fetch = Callable[[Tell], Awaitable[Landed]]
Recheck = Callable[[], Awaitable[Kept | None]]


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


class Relay:
    """`fetch` is handed what to tell the others with, and raises ServiceFailure.

    `recheck` looks once more for an answer that another replica has kept a moment ago.
    """

    def __init__(self, claims: Claims, parcels: Parcels) -> None:
        self.claims = claims
        """May be replaced at any time."""
        self._parcels = parcels

    @property
    def is_open(self) -> bool:
        return self.claims.available

    async def landed(
        self, key: bytes, flight: AnswerFlight, fetch: Fetch, recheck: Recheck
    ) -> Landed:
        """What `fetch` brings, here or elsewhere."""
        token = secrets.token_bytes(8)
        claims = self.claims
        while True:
            ours = await claims.claim(key, token, LEASE_S)
            if ours is None:
                return await fetch(nobody)
            if ours:
                return await self._lead(claims, key, token, fetch, recheck)
            landed = await _Follower(claims, self._parcels, key, flight).landed()
            if landed is not None:
                return landed

    async def _lead(
        self, claims: Claims, key: bytes, token: bytes, fetch: Fetch, recheck: Recheck
    ) -> Landed:
        leader = _Leader(claims, key, token)
        renewing = asyncio.create_task(leader.renew(), name="claim")
        try:
            # Whoever had the claim before may have landed since the cache was asked.
            kept = await recheck()
            if kept is not None:
                return Landed(kept)
            landed = await fetch(leader.hear)
            leader.tell_last(_LANDED + self._parcels.pack(key, landed.kept))
        finally:
            renewing.cancel()
            leader.close()
            claims.release(key, token)
        return landed


class _Leader:
    """Tells the others what is heard, a little at a time."""

    def __init__(self, claims: Claims, key: bytes, token: bytes) -> None:
        self._claims = claims
        self._key = key
        self._token = token
        self._heard: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def hear(self, piece: StreamPiece) -> None:
        match piece:
            case Spoken(frame):
                self._heard.append(_SPOKEN + frame)
            case Begun(target):
                told = (target.provider, target.model, target.deployment)
                self._heard.append(_BEGUN + orjson.dumps(told))
            case _:
                return
        if self._timer is None:
            self._timer = self._loop.call_later(TELL_S, self._tell)

    def tell_last(self, piece: bytes) -> None:
        self._heard.append(piece)
        self._tell()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            await self._claims.renew(self._key, self._token, LEASE_S)

    def _tell(self) -> None:
        self.close()
        self._timer = None
        heard, self._heard = self._heard, []
        self._claims.tell(self._key, self._token, heard, TOLD_FOR_S)


class _Follower:
    """Hears what the holder of a claim tells, and adds it to the flight."""

    def __init__(self, claims: Claims, parcels: Parcels, key: bytes, flight: AnswerFlight) -> None:
        self._claims = claims
        self._parcels = parcels
        self._key = key
        self._flight = flight
        self._since = 0
        self._has_told = False

    async def landed(self) -> Landed | None:
        """None when the holder is gone and nothing was heard of it: somebody else is next."""
        holder = b""
        looks = 0
        while True:
            told = await self._claims.told(self._key, holder, self._since)
            if told is None:
                return self._lost()
            holder = holder or told.holder
            self._since += len(told.pieces)
            for piece in told.pieces:
                landed = self._hear(piece)
                if landed is not None:
                    return landed
            if not told.holder or told.holder != holder:
                return self._lost()
            await asyncio.sleep(LOOK_S[min(looks, len(LOOK_S) - 1)])
            looks += 1

    def _hear(self, piece: bytes) -> Landed | None:
        kind, rest = piece[:1], piece[1:]
        if kind == _LANDED:
            with contextlib.suppress(ValueError):
                return self._land(self._parcels.unpack(self._key, rest))
        elif kind == _SPOKEN:
            self._has_told = True
            self._flight.add(Spoken(rest))
        elif kind == _BEGUN:
            self._has_told = True
            self._flight.add(CacheNote(CacheStatus.COALESCED, self._flight.key))
            self._flight.add(Begun(ModelRef(*orjson.loads(rest))))
        return None

    def _land(self, kept: Kept) -> Landed:
        if self._has_told and kept.finished is not None:
            self._flight.add(Finished(kept.finished, kept.target, None, kept.cost_nano_usd))
        return Landed(kept)

    def _lost(self) -> None:
        if self._has_told:
            raise ServiceFailure(
                ErrorReason.STREAM_INTERRUPTED,
                "the answer broke off after it had begun: the replica that was asking is gone",
            )


def relay_key(*pieces: bytes) -> bytes:
    """One key for what several pieces tell."""
    return hashlib.sha256(b"aip relay 1" + b"".join(pieces)).digest()


def nobody(_: StreamPiece) -> None:
    """There are no others to tell."""

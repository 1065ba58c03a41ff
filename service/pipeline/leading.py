"""One who asks a provider for several replicas: tells the others what is heard, and how long it
goes on for them. It decides when nobody waits any more.
"""

from __future__ import annotations

import asyncio
import contextlib

from service.pipeline import relay_words as words
from service.pipeline.relay_errand import LEASE_S, Errand
from service.pipeline.routed import Begun
from service.pipeline.told import Spoken, StreamPiece
from service.ports import Claims

RENEW_S = 1.5
DESERTED_S = 0.2
"""The pause between looks at who waits elsewhere, when nobody does here."""
LAST_LOOKS_S = 0.15
LAST_LOOK_S = 0.05
"""Shortly before the time is over it is asked so often who has more."""
TELL_S = 0.05
"""What is heard within that time is told at once."""
TOLD_FOR_S = 15.0


class Leader:
    """Tells the others what is heard, a little at a time."""

    def __init__(self, claims: Claims, token: bytes, errand: Errand) -> None:
        self._claims = claims
        self._key = errand.key
        self._token = token
        self._flight = errand.flight
        self._deserted = False
        self._woken = asyncio.Event()
        self._lives_at = 0.0
        """When the others are to be told that we live, if they hear nothing else until then."""
        self._heard: list[bytes] = []
        self._has_told = False
        self._began_anew = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        # When the last one leaves here, somebody may still wait elsewhere.
        self._flight.deserted = self._desert

    def hear(self, piece: StreamPiece) -> None:
        match piece:
            case Begun(broken=broken) if broken is not None:
                # There are no words for it: others get the end, if they have heard nothing yet.
                self._began_anew = True
                self._heard.clear()
            case Spoken(frame) if not self._began_anew:
                self._add(words.ItSpoke(frame))
            case Begun(target):
                self._add(words.ItBegan(target, self._flight.content))
            case _:
                pass

    def tell_last(self, parcel: bytes, *, keepable: bool) -> None:
        self._heard.append(words.write(words.ItLanded(parcel, keepable)))
        self._tell()

    def close(self) -> None:
        self._flight.deserted = None
        self._stop_timer()

    async def hold(self) -> None:
        """Renews the claim, and goes on for as long as anybody waits: to be cancelled in the end.

        Where nobody waits any more, or Redis does not say, it ends the flight that all have left.
        """
        while True:
            await self._pause()
            self._woken.clear()
            others_s = await self._claims.renew(self._key, self._token, LEASE_S)
            self._deserted &= self._flight.waiting_count == 0
            if others_s:
                self._flight.request.prolong(self._loop.time() + others_s)
            elif self._deserted:
                self._flight.end()
                return
            self._say_we_live()

    async def _pause(self) -> None:
        pause_s = DESERTED_S if self._deserted else RENEW_S
        left_s = self._flight.request.deadline - self._loop.time()
        if left_s > 0.0:
            # Who has more time elsewhere is to be known before ours is over.
            pause_s = min(pause_s, max(LAST_LOOK_S, left_s - LAST_LOOKS_S))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._woken.wait()

    def _desert(self) -> None:
        self._deserted = True
        self._woken.set()

    def _say_we_live(self) -> None:
        # What was told lives no longer than that; a model may think for longer.
        if self._has_told and self._loop.time() >= self._lives_at:
            self._add(words.ItLives())

    def _add(self, word: words.Word) -> None:
        self._heard.append(words.write(word))
        if self._timer is None:
            self._timer = self._loop.call_later(TELL_S, self._tell)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        self._stop_timer()
        heard, self._heard = self._heard, []
        if heard:
            self._has_told = True
            self._lives_at = self._loop.time() + RENEW_S
            self._claims.tell(self._key, self._token, heard, TOLD_FOR_S)

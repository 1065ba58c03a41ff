"""Who shares which call to a provider: begins one where none is in flight, here or elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextlib import aclosing
from functools import partial

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.errors import ServiceFailure
from service.domain.request import CompletionRequest
from service.pipeline.admission import Admission
from service.pipeline.answers import Answers, Asked, Found, require_same
from service.pipeline.fetching import Fetcher
from service.pipeline.flights import Flights
from service.pipeline.relay import AnswerFlight, Relay, Tell, nobody, relay_key
from service.pipeline.told import Landed, StreamPiece

REFRESH_MAX_S = 120.0
"""How long an answer may take that nobody waits for."""


class Joining:
    """What a flight brings is kept before anybody is told that it has landed."""

    def __init__(
        self, admission: Admission, answers: Answers, fetcher: Fetcher, relay: Relay
    ) -> None:
        self.flights = Flights[StreamPiece, Landed]()
        self._admission = admission
        self._answers = answers
        self._fetcher = fetcher
        self._relay = relay

    def __repr__(self) -> str:
        return repr(self.flights)

    def join(
        self, asked: Asked, request: CompletionRequest, *, stream: bool
    ) -> tuple[AnswerFlight, CacheNote]:
        """A flight to wait for; whoever gets it leaves it in the end, whatever happens.

        Raises ServiceFailure IDEMPOTENCY_KEY_REUSED.
        """
        question, use = asked.question, asked.use
        ours, others = self._keys(asked, request, stream=stream)
        flight = self.flights.find(ours) or self.flights.find(others)
        status = CacheStatus.COALESCED
        if flight is None:
            status = CacheStatus.REFRESHED if use.refresh else CacheStatus.MISS
            flight = self.flights.begin(
                ours, request, lambda flight: self._fly(asked, flight, stream=stream)
            )
            flight.key = asked.key
            if asked.repeat_key:
                flight.content = question.digest
        elif asked.repeat_key:
            require_same(question, flight.content)
        flight.keep_s = max(flight.keep_s, use.keep_s)
        flight.join(question.deadline)
        return flight, CacheNote(status, asked.key)

    def maybe_refresh(self, asked: Asked, found: Found) -> None:
        """Asks anew, beside the request, for what will be asked for again when it has expired."""
        if asked.use.keep_s <= 0 or not self._answers.is_to_be_refreshed(found):
            return
        key = (asked.key, "early")
        if self.flights.find(key) is not None:
            return
        request = asked.question.request()
        request.deadline = asyncio.get_running_loop().time() + REFRESH_MAX_S
        stream = found.kept.finished is not None
        flight = self.flights.begin(
            key, request, lambda flight: self._refresh(asked, flight, stream=stream)
        )
        flight.keep_s = asked.use.keep_s
        flight.join(request.deadline)
        self._answers.counters.early_refresh(request.tenant)

    def close(self) -> None:
        """Ends every flight, whoever waits."""
        self.flights.close()

    def _keys(
        self, asked: Asked, request: CompletionRequest, *, stream: bool
    ) -> tuple[Hashable, Hashable]:
        """Under which a flight is begun, and another under which one may be joined as well."""
        if asked.repeat_key:
            return asked.repeat_key, None
        if not self._answers.conduct.coalesce:
            return object(), None
        wish, refresh = request.wish, asked.use.refresh
        # An answer that is whole at once is no use to who wants to hear it; the reverse is.
        others = None if stream else (asked.key, wish, refresh, True)
        return (asked.key, wish, refresh, stream), others

    async def _fly(self, asked: Asked, flight: AnswerFlight, *, stream: bool) -> Landed:
        """Asks for the answer, unless another replica is about to have it."""

        async def fetch(tell: Tell) -> Landed:
            landed = await self._fetch(asked, flight, tell, stream=stream)
            self._answers.keep(asked, landed, flight.keep_s)
            return landed

        try:
            if not self._relay.is_open or not self._is_relayed(asked, flight.request):
                return await fetch(nobody)
            key = _relay_key(asked, flight.request, stream=stream)
            recheck = partial(self._answers.recheck, asked)
            return await self._relay.landed(key, flight, fetch, recheck)
        except ServiceFailure as failure:
            self._answers.fail(asked, failure)
            raise

    async def _fetch(
        self, asked: Asked, flight: AnswerFlight, tell: Tell, *, stream: bool
    ) -> Landed:
        question, request = asked.question, flight.request
        keep_refusals = asked.use.keep_refusals
        if not stream:
            return await self._fetcher.whole(question, request, keep_refusals=keep_refusals)
        pieces = self._fetcher.stream(question, request, keep_refusals=keep_refusals)
        async with aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Landed):
                    return piece
                flight.add(piece)
                tell(piece)
        raise AssertionError("a stream ends with what has landed, or raises")

    async def _refresh(self, asked: Asked, flight: AnswerFlight, *, stream: bool) -> Landed:
        with self._admission.slot():
            return await self._fly(asked, flight, stream=stream)

    def _is_relayed(self, asked: Asked, request: CompletionRequest) -> bool:
        if asked.repeat_key:
            return True
        # A stream that may begin anew has no words for other replicas.
        conduct = self._answers.conduct
        return conduct.coalesce and conduct.coalesce_replicas and not request.wish.restart


def _relay_key(asked: Asked, request: CompletionRequest, *, stream: bool) -> bytes:
    if asked.repeat_key:
        return relay_key(asked.repeat_key)
    told = f"{request.wish!r} {asked.use.refresh} {stream}"
    return relay_key(asked.key, told.encode())

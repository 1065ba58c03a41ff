"""Who shares which call to a provider: begins one where none is in flight, here or elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextlib import aclosing
from functools import partial

from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.request import CompletionRequest
from service.pipeline.admission import Admission
from service.pipeline.answers import Answers, Asked, Found, require_same
from service.pipeline.fetching import Fetcher
from service.pipeline.flights import Flights
from service.pipeline.relay import Relay, nobody, relay_key
from service.pipeline.relay_errand import AnswerFlight, Errand, Tell
from service.pipeline.told import Landed, StreamPiece

REFRESH_MAX_S = 120.0
"""How long an answer may take that nobody waits for."""
_A_MOMENT_S = 1.0
"""An answer that is older was there when the cache was asked."""


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
            flight.key, flight.content = asked.key, question.digest
        elif asked.repeat_key:
            require_same(question, flight.content)
        flight.keep_s = max(flight.keep_s, use.keep_s)
        flight.join(question.deadline)
        return flight, CacheNote(status, asked.key)

    def maybe_refresh(self, asked: Asked, found: Found) -> None:
        """Asks anew, beside the request, for what will be asked for again when it has expired."""
        if asked.use.keep_s <= 0 or not self._answers.is_to_be_refreshed(found):
            return
        key = (asked.key, self._answers.cache.generation, "early")
        if self.flights.find(key) is not None:
            return
        request = asked.question.request()
        request.deadline = asyncio.get_running_loop().time() + REFRESH_MAX_S
        stream = found.kept.finished is not None
        # The answer to an idempotency key stays what it was.
        anew = asked._replace(repeat_key=b"", waited=None)
        after = found.kept.made_at
        flight = self.flights.begin(
            key, request, lambda flight: self._refresh(anew, flight, after, stream=stream)
        )
        flight.key, flight.content = asked.key, asked.question.digest
        flight.keep_s = asked.use.keep_s
        flight.is_early = True
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
        # What has become void since it was asked for is of no use to who asks now.
        same = (asked.key, self._answers.cache.generation, request.wish, asked.use.refresh)
        # An answer that is whole at once is no use to who wants to hear it; the reverse is.
        return (*same, stream), None if stream else (*same, True)

    async def _fly(
        self, asked: Asked, flight: AnswerFlight, after: float | None = None, *, stream: bool
    ) -> Landed:
        """Asks for the answer, unless another replica has it since `after`, or is about to.

        None means a moment ago: whatever was there before, the cache would have given.
        """

        async def fetch(tell: Tell) -> Landed:
            # A reload may have changed who answers since the key was made.
            present = self._answers.as_of_now(asked)
            landed = await self._fetch(asked, flight, tell, stream=stream)
            self._answers.keep(present, landed, flight.keep_s)
            return landed

        if not self._relay.is_open or not self._is_relayed(asked, flight.request):
            return await fetch(nobody)
        generation = self._answers.cache.generation
        key = _relay_key(asked, flight.request, generation, stream=stream, early=after is not None)
        if after is None:
            after = self._answers.cache.now() - _A_MOMENT_S
        recheck = partial(self._answers.recheck, asked, after)
        same = partial(require_same, asked.question)
        errand = Errand(key, flight, fetch, recheck, same, asked.waited)
        landed = await self._relay.landed(errand)
        if landed.trace is None and landed.keepable:
            # Whoever asked for it may not have wished to keep it.
            self._answers.keep(asked, landed, flight.keep_s)
        return landed

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

    async def _refresh(
        self, asked: Asked, flight: AnswerFlight, after: float, *, stream: bool
    ) -> Landed:
        with self._admission.slot():
            return await self._fly(asked, flight, after, stream=stream)

    def _is_relayed(self, asked: Asked, request: CompletionRequest) -> bool:
        if asked.repeat_key:
            return True
        # Of a stream that begins anew others could not be told.
        conduct = self._answers.conduct
        return conduct.coalesce and conduct.coalesce_replicas and not request.wish.restart


def _relay_key(
    asked: Asked, request: CompletionRequest, generation: int, *, stream: bool, early: bool
) -> bytes:
    if asked.repeat_key:
        return relay_key(asked.repeat_key)
    told = f"{generation} {request.wish!r} {asked.use.refresh} {stream} {early}"
    return relay_key(asked.key, told.encode())

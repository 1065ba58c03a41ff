"""The path of a request behind the edge: known answers, equal calls in flight, the router.

A request that the memory of this replica can answer touches nothing else. Every other one takes a
place among those in flight first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from service.domain.cache_note import ASKED, BYPASSED, CacheNote, CacheStatus
from service.domain.cache_use import is_repeatable
from service.domain.call_record import Phases
from service.domain.errors import ServiceFailure
from service.domain.kept import Kept
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest, Question
from service.domain.routing import Plan
from service.domain.trace import Trace
from service.pipeline.admission import Admission
from service.pipeline.answers import Answers, Asked, Found, require_same
from service.pipeline.fetching import Fetcher
from service.pipeline.flights import Flights
from service.pipeline.joining import Joining
from service.pipeline.relay import Relay
from service.pipeline.routed import Begun, Counted, Embedded
from service.pipeline.router import Router
from service.pipeline.told import Finished, Landed, Spoken, StreamPiece, Whole


@dataclass(frozen=True, slots=True)
class Explained:
    """`key` is empty where such an answer is not kept."""

    plan: Plan
    key: bytes
    would_hit: bool


class CompletionPipeline:
    """Every method raises ServiceFailure."""

    def __init__(
        self,
        admission: Admission,
        router: Router,
        answers: Answers,
        fetcher: Fetcher,
        relay: Relay,
    ) -> None:
        self._admission = admission
        self._router = router
        self._answers = answers
        self._fetcher = fetcher
        self._joining = Joining(admission, answers, fetcher, relay)

    def __repr__(self) -> str:
        return f"<CompletionPipeline {self._admission!r} {self._joining!r} {self._answers!r}>"

    @property
    def flights(self) -> Flights[StreamPiece, Landed]:
        """Calls that may be shared, or whose answers may be kept."""
        return self._joining.flights

    async def complete(self, question: Question) -> Whole:
        now = asyncio.get_running_loop().time
        began = now()
        asked = self._answers.asked(question)
        found = None if self._admission.is_closed else self._answers.local(asked)
        if found is not None:
            whole = self._hit(asked, found)
            question.phases.cache_s = now() - began
            return whole
        with self._admission.slot():
            found = await self._elsewhere(asked)
            if found is not None:
                whole = self._hit(asked, found)
                question.phases.cache_s = now() - began
                return whole
            question.phases.cache_s = now() - began
            request = question.request()
            if not self._is_shared(asked, request):
                self._answers.counters.bypassed(question.tenant)
                with _timed(question, request):
                    landed = await self._fetcher.whole(question, request, keep_refusals=False)
                return _whole(landed.kept, BYPASSED, landed.trace)
            flight, note = self._joining.join(asked, request, stream=False)
            with self._answering(asked, note), _timed(question, request):
                try:
                    landed = await flight.outcome(question.deadline)
                finally:
                    flight.leave()
            return self._landed(asked, landed, note)

    async def stream(self, question: Question) -> AsyncGenerator[StreamPiece, None]:
        """Close it (`contextlib.aclosing`) when leaving early."""
        now = asyncio.get_running_loop().time
        began = now()
        asked = self._answers.asked(question)
        with self._admission.slot():
            found = self._answers.local(asked) or await self._elsewhere(asked)
            question.phases.cache_s = now() - began
            if found is not None:
                self._joining.maybe_refresh(asked, found)
                kept = self._answers.as_stream(found)
                for piece in _replayed(kept, found.note):
                    yield piece
                return
            request = question.request()
            pieces = (
                self._joined(asked, request)
                if self._is_shared(asked, request)
                else self._alone(asked, request)
            )
            async with aclosing(pieces):
                async for piece in pieces:
                    _tell_way(question.phases, request)
                    yield piece

    async def count_tokens(self, request: CompletionRequest) -> Counted:
        with self._admission.slot():
            return await self._router.count_tokens(request)

    async def embed(
        self, request: CompletionRequest, inputs: tuple[str, ...], dimensions: int | None
    ) -> Embedded:
        with self._admission.slot():
            return await self._router.embed(request, inputs, dimensions)

    def explain(self, question: Question) -> Explained:
        """How a request would be answered. Nobody is asked, and nothing is admitted."""
        plan = self._router.explain(question.request())
        return Explained(plan, *self._answers.peek(question))

    async def finish(self, within_s: float) -> None:
        """Waits for calls whose own callers have left, while others on other replicas wait."""
        await self.flights.landed(within_s)

    def close(self) -> None:
        """Ends what nobody waits for."""
        self._joining.close()

    def _hit(self, asked: Asked, found: Found) -> Whole:
        self._joining.maybe_refresh(asked, found)
        kept = self._answers.as_whole(found)
        return _whole(kept, found.note, None)

    async def _alone(
        self, asked: Asked, request: CompletionRequest
    ) -> AsyncGenerator[StreamPiece, None]:
        """A stream that is neither kept nor shared."""
        self._answers.counters.bypassed(request.tenant)
        yield BYPASSED
        pieces = self._fetcher.stream(asked.question, request, keep_refusals=False)
        async with aclosing(pieces):
            async for piece in pieces:
                if not isinstance(piece, Landed):
                    yield piece

    async def _joined(
        self, asked: Asked, request: CompletionRequest
    ) -> AsyncGenerator[StreamPiece, None]:
        flight, note = self._joining.join(asked, request, stream=True)
        deadline = asked.question.deadline
        finished: Finished | None = None
        try:
            with self._answering(asked, note):
                yield note
                # Who did not ask for it is not told of an answer that begins anew.
                if request.wish.restart or not flight.request.wish.restart:
                    async with aclosing(flight.follow(deadline)) as pieces:
                        async for piece in pieces:
                            match piece:
                                case Finished():
                                    finished = piece
                                case CacheNote():
                                    note = piece
                                    yield note
                                case _:
                                    yield piece
                landed = await flight.outcome(deadline)
        finally:
            flight.leave()
        self._require_same(asked, landed)
        if landed.trace is None:
            note = note._replace(status=CacheStatus.COALESCED)
        # Before its end is told: who has heard that may hang up at once.
        self._count(asked, note, landed)
        if finished is None:
            # It heard nothing yet: whoever began the flight wanted the answer whole, or restarts.
            landed.kept = self._answers.as_stream(Found(landed.kept, note))
            for piece in _replayed(landed.kept, note):
                yield piece
        elif note.status is CacheStatus.COALESCED:
            # What was attempted for somebody else is not told.
            yield Finished(finished.body, finished.target, None, *_saved(landed.kept, note))
        else:
            yield finished

    def _is_shared(self, asked: Asked, request: CompletionRequest) -> bool:
        """Whether an answer may be kept or shared. Raises where nobody is to be asked."""
        if asked.use.only:
            self._answers.counters.miss(request.tenant)
            raise ServiceFailure(
                ErrorReason.CACHE_MISS,
                "the cache has no such answer, and MODE_ONLY_IF_CACHED forbids to ask a provider",
            )
        return bool(asked.repeat_key) or (asked.use.share and is_repeatable(request.spec))

    async def _elsewhere(self, asked: Asked) -> Found | None:
        """From the shared cache; or from memory, if it came there meanwhile."""
        return await self._answers.shared(asked) or self._answers.local(asked)

    @contextmanager
    def _answering(self, asked: Asked, note: CacheNote) -> Generator[None, None, None]:
        """Whoever asked had a miss if it fails, which is remembered, or is left; others joined."""
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            if note.status in ASKED:
                self._answers.counters.miss(asked.question.tenant)
            raise
        except ServiceFailure as failure:
            if note.status in ASKED:
                self._answers.counters.miss(asked.question.tenant)
                self._answers.fail(asked, failure)
            failure.joined = note.status not in ASKED
            raise

    def _landed(self, asked: Asked, landed: Landed, note: CacheNote) -> Whole:
        self._require_same(asked, landed)
        if landed.trace is None:
            note = note._replace(status=CacheStatus.COALESCED)
        landed.kept = self._answers.as_whole(Found(landed.kept, note))
        self._count(asked, note, landed)
        # What was attempted for somebody else is not told.
        trace = None if note.status is CacheStatus.COALESCED else landed.trace
        return _whole(landed.kept, note, trace)

    def _require_same(self, asked: Asked, landed: Landed) -> None:
        # Another replica answered to the idempotency key: it may have been asked something else.
        if asked.repeat_key and landed.trace is None:
            require_same(asked.question, landed.kept.content)

    def _count(self, asked: Asked, note: CacheNote, landed: Landed) -> None:
        counters, tenant = self._answers.counters, asked.question.tenant
        match CacheStatus.COALESCED if landed.trace is None else note.status:
            case CacheStatus.COALESCED:
                counters.coalesced(tenant, landed.kept)
            case CacheStatus.REFRESHED:
                counters.refreshed(tenant)
            case _:
                counters.miss(tenant)


@contextmanager
def _timed(question: Question, request: CompletionRequest) -> Generator[None, None, None]:
    """Around the time that is spent waiting for a whole answer: says where it went."""
    now = asyncio.get_running_loop().time
    began = now()
    try:
        yield
    finally:
        phases, own, awaited_s = question.phases, request.phases, now() - began
        _tell_way(phases, request)
        # Who joined a call of somebody else has walked no way, and waited for the provider.
        on_the_way_s = awaited_s - phases.queue_s - own.provider_s if own.route_s else 0.0
        phases.route_s = max(0.0, on_the_way_s)
        phases.provider_s = max(0.0, awaited_s - phases.queue_s - phases.route_s)


def _tell_way(phases: Phases, request: CompletionRequest) -> None:
    """How long it took so far to find somebody to ask."""
    phases.queue_s, phases.route_s = request.phases.queue_s, request.phases.route_s


def _whole(kept: Kept, note: CacheNote, trace: Trace | None) -> Whole:
    if kept.whole is None:
        raise AssertionError("it was made whole before")
    return Whole(kept.whole, kept.target, note, trace, *_saved(kept, note))


def _replayed(kept: Kept, note: CacheNote) -> Iterator[StreamPiece]:
    """The events of an answer as they were first told."""
    if kept.finished is None:
        raise AssertionError("it was made a stream before")
    yield note
    yield Begun(kept.target, made_at=kept.made_at)
    for frame in kept.frames:
        yield Spoken(frame)
    yield Finished(kept.finished, kept.target, None, *_saved(kept, note))


def _saved(kept: Kept, note: CacheNote) -> tuple[int | None, float]:
    """Of the provider's money, and of its time."""
    return (None, 0.0) if note.status in ASKED else (kept.cost_nano_usd, kept.took_s)

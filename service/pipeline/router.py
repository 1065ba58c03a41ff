"""Walks a plan inside the caller's deadline: asks, waits, fails over, commits at the first event.

Decides nothing by itself: the order is `domain.routing`'s, the verdicts are `domain.failover`'s. A
stream and a whole answer differ only in what is awaited; where somebody else could be asked, a
whole answer is awaited as a stream, for only there can silence be told from thought.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from service.domain.attempt import Attempt
from service.domain.completion import Completion, Ending, Usage
from service.domain.consumption import estimate
from service.domain.errors import ServiceFailure
from service.domain.events import StreamEvent, fold
from service.domain.pricing import cost_of
from service.domain.provider import EmbeddingCall, Embeddings, ModelRef, ProviderCall
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.routing import Plan, Ranked
from service.domain.timeouts import UNKNOWN_P95_S
from service.domain.tokens import estimated_tokens, part_size_bytes
from service.domain.trace import Trace
from service.pipeline.attempting import Limits, Opened, opened
from service.pipeline.course import Course
from service.pipeline.ended import Evidence
from service.pipeline.hedging import first_of
from service.pipeline.planner import Planner, attempts_max
from service.pipeline.roster import Member, Roster
from service.pipeline.routed import Answered, Begun, Counted, Done, Embedded, Missed, RoutedEvent
from service.pipeline.scope import AttemptScope
from service.pipeline.walk import Walk

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Start(Protocol[T_co]):
    """Begins one attempt. None when it failed in a way that lets the walk go on."""

    def __call__(
        self, walk: Walk, roster: Roster, ranked: Ranked, *, hedge: bool
    ) -> Coroutine[Any, Any, T_co | None]: ...


class Router:
    """Deadlines are in the event loop's time. Every method raises ServiceFailure."""

    def __init__(self, roster: Roster, planner: Planner, course: Course) -> None:
        self.roster = roster
        self.planner = planner
        self.course = course

    async def complete(self, request: CompletionRequest) -> Answered:
        with self.roster.lease() as roster:
            walk = self._walk(roster, request)
            while True:
                ranked = await walk.next()
                begun = await self._attempt(walk, roster, ranked, self._begin)
                answer = await self._heard(walk, begun) if isinstance(begun, Opened) else begun
                if answer is not None:
                    return Answered(*answer, walk.trace)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[RoutedEvent, None]:
        """Ends after exactly one Done, or raises.

        Close it (`contextlib.aclosing`) when leaving early: that closes the upstream connection.
        """
        with self.roster.lease() as roster:
            walk = self._walk(roster, request)
            interruption: ServiceFailure | None = None
            broken: Attempt | None = None
            while True:
                try:
                    ranked = await walk.next()
                    attempt = await self._attempt(walk, roster, ranked, self._open)
                except ServiceFailure:
                    # A part is with the caller: that is what counts, whatever failed after it.
                    if interruption is not None:
                        interruption.attempts = walk.attempts
                        raise interruption from None
                    raise
                if attempt is None:
                    for missed in walk.untold():
                        yield Missed(missed)
                    continue
                try:
                    async with attempt:
                        for missed in walk.untold():
                            yield Missed(missed)
                        attempt.scope.committed = True
                        yield Begun(attempt.scope.target, broken)
                        event = attempt.first
                        heard: list[StreamEvent] = []
                        while not isinstance(event, Ending):
                            if walk.keeps_content:
                                heard.append(event)
                            yield event
                            event = await attempt.following()
                        ending = self._ended(walk, attempt.scope, event)
                        if walk.keeps_content:
                            attempt.scope.answer = fold((*heard, ending))
                except ServiceFailure as failure:
                    if (
                        not request.wish.restart
                        or failure.reason is not ErrorReason.STREAM_INTERRUPTED
                    ):
                        raise
                    interruption, broken = failure, attempt.scope.attempt
                    walk.untold()
                else:
                    yield Done(ending, attempt.scope.target, walk.trace)
                    return

    async def count_tokens(self, request: CompletionRequest) -> Counted:
        async def ask(member: Member, call: ProviderCall, scope: AttemptScope) -> Counted:
            scope.is_free = True
            count = await member.provider.count_tokens(call)
            if not count.exact:
                scope.evidence = Evidence.NONE  # Nobody was asked for an estimate.
            usage = Usage(count.input_tokens, estimated=not count.exact)
            return Counted(count, cost_of(scope.ranked.candidate.price, usage))

        counted, _, _ = await self._side_call(request, ask)
        return counted

    async def embed(
        self, request: CompletionRequest, inputs: tuple[str, ...], dimensions: int | None
    ) -> Embedded:
        """Of `request.spec` only the model counts."""

        async def ask(member: Member, call: ProviderCall, scope: AttemptScope) -> Embeddings:
            scope.prompt_tokens = sum(estimated_tokens(len(text.encode())) for text in inputs)
            embeddings = await member.provider.embed(
                EmbeddingCall(call.model, inputs, dimensions, call.headers)
            )
            scope.usage = embeddings.usage or estimate(scope.prompt_tokens, 0)
            scope.provider_model = embeddings.provider_model
            return replace(embeddings, usage=scope.usage)

        return Embedded(*await self._side_call(request, ask))

    def explain(self, request: CompletionRequest) -> Plan:
        """How a request would be routed. Nobody is asked."""
        return self.planner.plan(self.roster, request, _left_s(request), asks=False)

    def _walk(self, roster: Roster, request: CompletionRequest) -> Walk:
        plan = self.planner.plan(roster, request, _left_s(request))
        return Walk(plan, request, self.course, attempts_max(roster, request))

    async def _attempt(
        self, walk: Walk, roster: Roster, ranked: Ranked, start: Start[T]
    ) -> T | None:
        """What an attempt came to, or the hedge beside it; None when there is a next one to try."""
        delay_s = walk.request.wish.hedge_delay_s
        if delay_s is None or not walk.following:
            return await start(walk, roster, ranked, hedge=False)

        def second() -> Coroutine[Any, Any, T | None] | None:
            spare = walk.spare()
            return None if spare is None else begun(spare, hedge=True)

        async def begun(ranked: Ranked, *, hedge: bool) -> T | None:
            result = await start(walk, roster, ranked, hedge=hedge)
            if result is None:
                walk.stop_if_told()
            return result

        entry = self.course.board.peek(ranked.candidate.target)
        usual_s = (entry.first_token_p95_s if entry else None) or UNKNOWN_P95_S
        first = begun(ranked, hedge=False)
        return await first_of(first, second, delay_s or usual_s, _discard)

    async def _open(
        self, walk: Walk, roster: Roster, ranked: Ranked, *, hedge: bool
    ) -> Opened | None:
        member = roster.member(ranked.candidate.target)
        scope = walk.attempt(ranked, hedge=hedge)
        return await opened(walk, scope, member, _call(walk.request, member, scope))

    async def _begin(
        self, walk: Walk, roster: Roster, ranked: Ranked, *, hedge: bool
    ) -> Opened | tuple[Completion, ModelRef] | None:
        """A whole answer, or one that is to be listened to."""
        listens = hedge or bool(walk.following)
        if listens and roster.member(ranked.candidate.target).listens:
            return await self._open(walk, roster, ranked, hedge=hedge)
        return await self._whole(walk, roster, ranked, hedge=hedge)

    async def _heard(self, walk: Walk, attempt: Opened) -> tuple[Completion, ModelRef] | None:
        """A whole answer, listened to as it comes."""
        async with attempt:
            events = [attempt.first]
            while not isinstance(events[-1], Ending):
                events.append(await attempt.following())
            return self._answered(walk, attempt.scope, fold(events))
        return None

    async def _whole(
        self, walk: Walk, roster: Roster, ranked: Ranked, *, hedge: bool
    ) -> tuple[Completion, ModelRef] | None:
        member = roster.member(ranked.candidate.target)
        with walk.attempt(ranked, hedge=hedge) as scope:
            call = _call(walk.request, member, scope)
            limits = Limits(walk, scope, member)
            completion = await limits.answer(member.provider.complete(call))
            return self._answered(walk, scope, completion)
        return None

    async def _side_call(
        self,
        request: CompletionRequest,
        ask: Callable[[Member, ProviderCall, AttemptScope], Awaitable[T]],
    ) -> tuple[T, ModelRef, Trace]:
        """Something else than an answer: it tells whether a provider lives, not how fast it is."""
        with self.roster.lease() as roster:
            walk = self._walk(roster, request)
            answer: T | None = None
            while True:
                ranked = await walk.next()
                member = roster.member(ranked.candidate.target)
                with walk.attempt(ranked) as scope:
                    scope.evidence = Evidence.LIFE
                    call = _call(request, member, scope)
                    answer = await Limits(walk, scope, member).answer(ask(member, call, scope))
                if answer is not None:
                    return answer, scope.target, walk.trace

    def _answered(
        self, walk: Walk, scope: AttemptScope, completion: Completion
    ) -> tuple[Completion, ModelRef]:
        if completion.ending.usage is None:
            scope.heard_bytes = part_size_bytes(completion.parts)
        ending = self._ended(walk, scope, completion.ending)
        if ending is not completion.ending:
            completion = replace(completion, ending=ending)
        if walk.keeps_content:
            scope.answer = completion
        return completion, scope.target

    def _ended(self, walk: Walk, scope: AttemptScope, ending: Ending) -> Ending:
        """`ending` with its usage, estimated if the provider did not say; and what it teaches."""
        usage = ending.usage
        if usage is None:
            usage = estimate(scope.prompt_tokens, scope.heard_bytes)
            ending = replace(ending, usage=usage)
        scope.usage, scope.finish_reason = usage, ending.finish_reason
        scope.provider_model = ending.provider_model
        self.planner.learn(walk.request, walk.plan, scope.target, usage)
        return ending


def _left_s(request: CompletionRequest) -> float:
    return request.deadline - asyncio.get_running_loop().time()


def _call(request: CompletionRequest, member: Member, scope: AttemptScope) -> ProviderCall:
    spec, model = request.spec, scope.target.model
    if request.span is None or not member.takes_trace_context:
        return ProviderCall(spec, model, member.defaults, member.on_unsupported)
    headers = request.span.headers(scope.span_id)
    return ProviderCall(spec, model, member.defaults, member.on_unsupported, headers)


async def _discard(loser: object) -> None:
    if isinstance(loser, Opened):
        await loser.abandon()

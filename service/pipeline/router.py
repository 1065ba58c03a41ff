"""Walks a plan inside the caller's deadline: asks, waits, fails over, commits at the first event.

Decides nothing by itself: the order is `domain.routing`'s, the verdicts are `domain.failover`'s. A
stream and a whole answer differ only in what is awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from service.domain.attempt import Attempt
from service.domain.completion import Completion, CompletionSpec, Ending, Usage
from service.domain.errors import ProviderFailure
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from service.domain.provider import EmbeddingCall, Embeddings, ModelRef, ProviderCall, TokenCount
from service.domain.reasons import ErrorReason
from service.domain.routing import Candidate, RouteWish, plan_route
from service.domain.tokens import estimated_prompt_tokens, estimated_tokens, part_size_bytes
from service.pipeline.roster import Member, Roster
from service.pipeline.walk import DeadlinePassed, Walk

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer, who gave it, and every attempt."""

    completion: Completion
    target: ModelRef
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    embeddings: Embeddings
    target: ModelRef
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """The provider speaks: the attempt is committed."""

    target: ModelRef


@dataclass(frozen=True, slots=True)
class Missed:
    """An attempt failed before its first event, and another may follow."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is whole. Always the last event."""

    ending: Ending
    target: ModelRef
    attempts: tuple[Attempt, ...]


Delta = TextDelta | ReasoningDelta | ToolCallDelta | PartDone
RoutedEvent = Delta | Begun | Missed | Done


class Router:
    """Deadlines are in the event loop's time. Every method raises ServiceFailure."""

    def __init__(self, roster: Roster, *, attempt_min_s: float) -> None:
        self.roster = roster
        self.attempt_min_s = attempt_min_s

    async def complete(self, spec: CompletionSpec, wish: RouteWish, deadline: float) -> Answered:
        def ask(member: Member, call: ProviderCall) -> Awaitable[Completion]:
            return member.provider.complete(call)

        completion, target, attempts = await self._first_answer(spec, wish, deadline, ask)
        if completion.ending.usage is None:
            size_bytes = part_size_bytes(completion.parts)
            ending = replace(completion.ending, usage=_estimate(spec, size_bytes))
            completion = replace(completion, ending=ending)
        return Answered(completion, target, attempts)

    async def count_tokens(
        self, spec: CompletionSpec, wish: RouteWish, deadline: float
    ) -> TokenCount:
        def ask(member: Member, call: ProviderCall) -> Awaitable[TokenCount]:
            return member.provider.count_tokens(call)

        count, _, _ = await self._first_answer(spec, wish, deadline, ask)
        return count

    async def embed(
        self, model: str, inputs: tuple[str, ...], dimensions: int | None, deadline: float
    ) -> Embedded:
        def ask(member: Member, call: ProviderCall) -> Awaitable[Embeddings]:
            return member.provider.embed(EmbeddingCall(call.model, inputs, dimensions))

        spec = CompletionSpec(model, ())
        embeddings, target, attempts = await self._first_answer(spec, RouteWish(), deadline, ask)
        return Embedded(embeddings, target, attempts)

    async def stream(
        self, spec: CompletionSpec, wish: RouteWish, deadline: float
    ) -> AsyncGenerator[RoutedEvent, None]:
        """Ends after exactly one Done, or raises.

        Close it (`contextlib.aclosing`) when leaving early: that closes the upstream connection.
        """
        with self.roster.lease() as roster:
            walk = self._walk(roster, spec, wish, deadline)
            for candidate in walk:
                ending: Ending | None = None
                with walk.attempt(candidate) as attempt:
                    async with AsyncExitStack() as stack:
                        member = roster.members[candidate.target.provider]
                        limits = _Limits(member, wish, candidate, deadline)
                        async with limits.until_first_token():
                            context = member.provider.stream(_call(spec, member, candidate))
                            events = await stack.enter_async_context(context)
                            event = await _following(events, candidate)
                        attempt.committed = True
                        yield Begun(candidate.target)
                        size_bytes = 0
                        while not isinstance(event, Ending):
                            size_bytes += _size_bytes(event)
                            yield event
                            event = await limits.following(events)
                        ending = event
                        if ending.usage is None:
                            ending = replace(ending, usage=_estimate(spec, size_bytes))
                if ending is not None:
                    yield Done(ending, candidate.target, walk.attempts)
                    return
                yield Missed(walk.attempts[-1])

    async def _first_answer(
        self,
        spec: CompletionSpec,
        wish: RouteWish,
        deadline: float,
        ask: Callable[[Member, ProviderCall], Awaitable[T]],
    ) -> tuple[T, ModelRef, tuple[Attempt, ...]]:
        with self.roster.lease() as roster:
            walk = self._walk(roster, spec, wish, deadline)
            for candidate in walk:
                answer: T | None = None
                with walk.attempt(candidate):
                    member = roster.members[candidate.target.provider]
                    async with _Limits(member, wish, candidate, deadline).until_answer():
                        answer = await ask(member, _call(spec, member, candidate))
                if answer is not None:
                    return answer, candidate.target, walk.attempts
        message = "a walk ended without an answer and without a failure"
        raise AssertionError(message)

    def _walk(self, roster: Roster, spec: CompletionSpec, wish: RouteWish, deadline: float) -> Walk:
        plan = plan_route(spec.model, wish, roster.offers, roster.attempts_max)
        loop_time = asyncio.get_running_loop().time
        return Walk(plan, deadline, loop_time, attempt_min_s=self.attempt_min_s)


class _Limits:
    """The time limits of one attempt; each one is cut short by the caller's deadline."""

    def __init__(
        self, member: Member, wish: RouteWish, candidate: Candidate, deadline: float
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._candidate = candidate
        self._deadline = deadline
        self._idle_s = member.limits.idle_s
        self._attempt_s = min(wish.attempt_timeout_s or member.limits.attempt_s, 1e9)
        self._first_token_s = wish.first_token_timeout_s or member.limits.first_token_s
        self._started = now
        self._end = now + self._attempt_s

    def until_answer(self) -> AbstractAsyncContextManager[None]:
        return self._until(self._end, f"did not answer in {self._attempt_s:g} s")

    def until_first_token(self) -> AbstractAsyncContextManager[None]:
        until = min(self._started + self._first_token_s, self._end)
        return self._until(until, f"gave no token in {until - self._started:g} s")

    async def following(self, events: AsyncIterator[StreamEvent]) -> StreamEvent:
        """The next event. On the hot path of streams: one timer, no context manager of our own."""
        until = min(asyncio.get_running_loop().time() + self._idle_s, self._end)
        try:
            async with asyncio.timeout_at(min(until, self._deadline)):
                return await _following(events, self._candidate)
        except TimeoutError:
            raise self._late(f"fell silent for {self._idle_s:g} s, or took too long") from None

    @asynccontextmanager
    async def _until(self, until: float, complaint: str) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout_at(min(until, self._deadline)):
                yield
        except TimeoutError:
            raise self._late(complaint) from None

    def _late(self, complaint: str) -> Exception:
        if asyncio.get_running_loop().time() >= self._deadline:
            return DeadlinePassed()
        message = f"{self._candidate.target} {complaint}"
        return ProviderFailure(ErrorReason.PROVIDER_TIMEOUT, message)


def _call(spec: CompletionSpec, member: Member, candidate: Candidate) -> ProviderCall:
    return ProviderCall(spec, candidate.target.model, member.defaults, member.on_unsupported)


async def _following(events: AsyncIterator[StreamEvent], candidate: Candidate) -> StreamEvent:
    event = await anext(events, None)
    if event is None:
        # Adapters promise an Ending or a failure. Silence is never passed off as an answer.
        message = f"{candidate.target} stopped without an ending"
        raise ProviderFailure(ErrorReason.PROVIDER_RESPONSE_INVALID, message)
    return event


def _size_bytes(event: StreamEvent) -> int:
    match event:
        case TextDelta() | ReasoningDelta():
            return len(event.text)
        case ToolCallDelta():
            return len(event.arguments_json_fragment)
        case _:
            return 0


def _estimate(spec: CompletionSpec, size_bytes: int) -> Usage:
    return Usage(
        input_tokens=estimated_prompt_tokens(spec),
        output_tokens=estimated_tokens(size_bytes),
        estimated=True,
    )

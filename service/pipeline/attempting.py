"""One attempt as it runs: its time limits, its first event, the waits for the ones that follow."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, TypeVar

from service.domain.breaker import Circuit
from service.domain.completion import Effort
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent
from service.domain.provider import ProviderCall
from service.domain.reasons import ErrorReason
from service.domain.timeouts import first_token_limit_s, overdue_s, reserve_s
from service.pipeline.patience import OutOfPatience, Patience
from service.pipeline.roster import Member
from service.pipeline.scope import TICK_S, AttemptScope, DeadlinePassed
from service.pipeline.walk import Walk

T = TypeVar("T")


class Limits:
    """The time limits of one attempt that begins now. The caller's deadline cuts each one short.

    Some time is kept back for the next candidate, as long as nothing has come from this one.
    """

    def __init__(self, walk: Walk, scope: AttemptScope, member: Member) -> None:
        times = member.limits
        self._walk = walk
        self._request = walk.request
        self._scope = scope
        self._times = times
        self._now = asyncio.get_running_loop().time
        self._started = started = self._now()
        self._end = started + (walk.request.wish.attempt_timeout_s or times.attempt_s)
        self._kept_s = 0.0
        following = walk.following
        if following:
            left_s = self._request.deadline - started
            self._kept_s = reserve_s(scope.ranked, following, walk.plan.demand, left_s)

    @property
    def _quiet_end(self) -> float:
        """Until then it may be silent, as long as nothing has come."""
        return min(self._end, self._request.deadline - self._kept_s)

    async def answer(self, asked: Awaitable[T]) -> T:
        """A whole answer, in which nobody sees a first token."""
        self._scope.listened = False
        self._scope.overdue_s = self._times.attempt_s
        try:
            return await self._within(math.inf, asked)
        except TimeoutError:
            took_s = self._quiet_end - self._started
            self._scope.spared = True
            raise self._late(f"did not answer in {took_s:.3g} s") from None

    async def first_token(self, asked: Awaitable[T]) -> T:
        """The first event of a stream."""
        limit_s, self._scope.overdue_s = _first_token_limits_s(
            self._walk, self._scope, self._times.first_token_s
        )
        until = self._started + limit_s
        try:
            return await self._within(until, asked)
        except TimeoutError:
            self._scope.spared = True
            waited_s = min(until, self._quiet_end) - self._started
            raise self._late(f"gave no token in {waited_s:.3g} s") from None

    async def _within(self, until: float, asked: Awaitable[T]) -> T:
        """Raises TimeoutError at `until`, or when it may be silent no longer."""
        timeout = asyncio.timeout_at(min(until, self._quiet_end))

        def moved() -> None:
            if not timeout.expired():
                timeout.reschedule(min(until, self._quiet_end))

        watchers = self._request.watchers
        async with timeout:
            watchers.append(moved)
            try:
                return await asked
            finally:
                watchers.remove(moved)

    def patience(self) -> Patience:
        """For the events after the first."""
        return Patience(self._times.idle_s, self._last_end)

    def _last_end(self) -> float:
        return min(self._end, self._request.deadline)

    def impatient(self, patience: Patience) -> Exception:
        """What it means that an event did not come in its time."""
        heard_s = (self._scope.first_token_s or 0.0) + patience.waited_s
        silent = patience.silent_s > self._times.idle_s - TICK_S
        # Else the caller set a limit of its own, or took long to read.
        self._scope.spared = not silent and heard_s < self._times.attempt_s - TICK_S
        return self._late(f"fell silent for {self._times.idle_s:g} s, or took too long")

    def no_ending(self) -> StreamEvent:
        """Adapters promise an Ending or a failure. Silence is never passed off as an answer."""
        message = f"{self._scope.target} stopped without an ending"
        raise ProviderFailure(ErrorReason.PROVIDER_RESPONSE_INVALID, message)

    def _late(self, complaint: str) -> Exception:
        if self._now() >= self._request.deadline - TICK_S:
            return DeadlinePassed()
        return ProviderFailure(ErrorReason.PROVIDER_TIMEOUT, f"{self._scope.target} {complaint}")


class Opened:
    """An attempt that speaks: `first` is its first event. Leaving the block ends it, and tells how.

    The block swallows a ProviderFailure, as its scope does; see AttemptScope.
    """

    def __init__(
        self,
        scope: AttemptScope,
        stack: AsyncExitStack,
        limits: Limits,
        events: AsyncIterator[StreamEvent],
        first: StreamEvent,
    ) -> None:
        self.scope = scope
        self.first = first
        self._stack = stack
        self._limits = limits
        self._events = events
        self._patience = limits.patience()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        self._patience.close()
        self.scope.spoken_s = self._patience.waited_s
        return await self._stack.__aexit__(kind, error, traceback)

    async def abandon(self) -> None:
        """Ends it unheard: another one won."""
        left = asyncio.CancelledError()
        await self.__aexit__(type(left), left, None)

    async def following(self) -> StreamEvent:
        try:
            event = await self._patience.following(self._events)
        except OutOfPatience:
            raise self._limits.impatient(self._patience) from None
        if event is None:
            return self._limits.no_ending()
        self.scope.hear(event)
        return event


async def opened(
    walk: Walk, scope: AttemptScope, member: Member, call: ProviderCall
) -> Opened | None:
    """Begins an attempt and waits for its first event. None when it failed and the walk goes on."""
    async with AsyncExitStack() as stack:
        stack.enter_context(scope)
        limits = Limits(walk, scope, member)

        async def begin() -> tuple[AsyncIterator[StreamEvent], StreamEvent]:
            events = await stack.enter_async_context(member.provider.stream(call))
            return events, await anext(events, None) or limits.no_ending()

        events, first = await limits.first_token(begin())
        scope.spoke()
        scope.hear(first)
        return Opened(scope, stack.pop_all(), limits, events, first)
    return None


def _first_token_limits_s(walk: Walk, scope: AttemptScope, most_s: float) -> tuple[float, float]:
    """How long silence is borne, and how long it takes to speak against the provider."""
    wished_s = walk.request.wish.first_token_timeout_s
    entry = walk.course.board.peek(scope.target)
    p95_s = entry.first_token_p95_s if entry else None
    limit_s = first_token_limit_s(
        p95_s,
        walk.plan.demand.prompt_tokens,
        most_s,
        reasons=_thinks_first(walk, scope, known=p95_s is not None),
        trial=scope.ranked.view.circuit is Circuit.HALF_OPEN,
    )
    # With nobody else to ask it may take the configured time: late is better than never.
    borne_s = limit_s if walk.following else most_s
    return min(wished_s or borne_s, most_s), overdue_s(p95_s, limit_s)


def _thinks_first(walk: Walk, scope: AttemptScope, *, known: bool) -> bool:
    """Whether the model may be silent for long though all is well."""
    wish = walk.request.spec.reasoning
    if wish is not None and (wish.budget_tokens or wish.effort not in (None, Effort.NONE)):
        return True
    return not known and "reasoning" in scope.ranked.candidate.capabilities

"""The attempts of one request: who is next, how each ended, what the caller is told at the end.

Completions, streams and embeddings all walk their plan with this, so that the order, the verdicts
and the bookkeeping of attempts exist once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from service.domain.attempt import Attempt, Outcome
from service.domain.breaker import Circuit
from service.domain.errors import ProviderFailure, ServiceFailure
from service.domain.failover import (
    Verdict,
    backoff_s,
    surrender,
    verdict,
    worth_another_round,
)
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.refusal import refusal
from service.domain.request import CompletionRequest
from service.domain.routing import Excluded, Plan, Ranked, passing
from service.domain.scoring import expected_time_s
from service.domain.trace import Trace
from service.domain.wishes import Exclusion
from service.pipeline.course import Course
from service.pipeline.ended import Ended, Start
from service.pipeline.scope import AttemptScope


class Walk:
    """Call `next` for whom to ask, until an attempt has answered; each one inside `attempt`."""

    def __init__(
        self, plan: Plan, request: CompletionRequest, course: Course, attempts_max: int
    ) -> None:
        self.plan = plan
        self.request = request
        self.course = course
        self._attempts_max = attempts_max
        self._loop = asyncio.get_running_loop()
        self.began_at = self._loop.time()
        self._asked_since = 0.0
        self._open_count = 0
        self._queue = list(plan.ranked)
        self._reserved: Ranked | None = None
        self._failures: list[ProviderFailure] = []
        self._judged = 0
        self._failed: list[Ranked] = []
        self._repeated: list[Ranked] = []
        self._broken: list[Ranked] = []
        self._asked_count = 0
        self._round = 0
        # In the order in which they started; None until it has ended.
        self._attempts: list[Attempt | None] = []
        self._told: list[Attempt] = []

    def __repr__(self) -> str:
        return f"<Walk {'; '.join(str(attempt) for attempt in self.attempts) or 'not begun'}>"

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Those that have ended."""
        return tuple(attempt for attempt in self._attempts if attempt is not None)

    def untold(self) -> list[Attempt]:
        """Failed attempts since the last time that this was asked."""
        failed = [attempt for attempt in self.attempts if attempt.outcome is Outcome.FAILED]
        fresh = [attempt for attempt in failed if attempt not in self._told]
        self._told += fresh
        return fresh

    @property
    def trace(self) -> Trace:
        return Trace(self.plan, self.attempts)

    def now(self) -> float:
        return self._loop.time()

    @property
    def keeps_content(self) -> bool:
        return self.course.keeps_content

    @property
    def prompt_tokens(self) -> int:
        return self.plan.demand.prompt_tokens

    @property
    def left_s(self) -> float:
        return self.request.deadline - self._loop.time()

    @property
    def following(self) -> list[Ranked]:
        """Who could still be asked after the one that is asked now."""
        return self._queue if self._asked_count < self._attempts_max else []

    async def next(self) -> Ranked:
        """Whom to ask now. Raises ServiceFailure when there is nobody, or no time, left."""
        began = self._judged < len(self._failures)
        try:
            ranked = await (self._another() if began else self._first())
        finally:
            phases = self.request.phases
            phases.route_s = self._loop.time() - self.began_at - phases.provider_s - phases.queue_s
        self._asked_count += 1
        return ranked

    async def _another(self) -> Ranked:
        again = self._judge()
        if self._asked_count >= self._attempts_max:
            raise self._surrender()
        self._require_time()
        if again is not None and self._may_be_asked(again):
            self._spend()
            return again
        self._queue = [ranked for ranked in self._queue if self._may_be_asked(ranked)]
        if self._queue:
            self._spend()
        else:
            await self._another_round()
        return await self._take()

    def _spend(self) -> None:
        """Takes a further attempt off the budget of the replica, or raises."""
        if not self._failures[-1].local and not self.course.retries.retry():
            raise self._surrender()

    def spare(self) -> Ranked | None:
        """Whom to ask beside the one that is asked now; None when nobody can be, or none may."""
        for ranked in self.following:
            if not self._may_be_asked(ranked) or not self.course.turns.has_room(
                ranked.candidate.target
            ):
                continue
            if not self.course.retries.hedge():
                return None
            self._queue.remove(ranked)
            self._asked_count += 1
            return ranked
        return None

    def attempt(self, ranked: Ranked, *, hedge: bool = False) -> AttemptScope:
        """Records how the attempt inside ended; see AttemptScope."""
        return AttemptScope(self, ranked, hedge=hedge)

    def began(self, ranked: Ranked) -> tuple[int, float, Start]:
        """Counts an attempt in; gives its place, the time, and how the board took it."""
        reserved = self._reserved is ranked
        if reserved:
            self._reserved = None
        start = self.course.board.began(ranked.candidate.target, reserved=reserved)
        self._attempts.append(None)
        now = self._loop.time()
        if not self._open_count:
            self._asked_since = now
        self._open_count += 1
        return len(self._attempts) - 1, now, start

    def spoke(self, ranked: Ranked, start: Start) -> Start:
        return self.course.board.spoke(ranked.candidate.target, start)

    def ended(
        self,
        place: int,
        attempt: Attempt,
        how: Ended,
        failed: tuple[Ranked, ProviderFailure] | None,
    ) -> None:
        """Remembers an attempt, and its failure for the verdict."""
        self._open_count -= 1
        if not self._open_count:
            # Attempts beside each other count once.
            self.request.phases.provider_s += self._loop.time() - self._asked_since
        self._attempts[place] = attempt
        self.course.ended(self.request, self.plan, attempt, how, first=place == 0)
        if failed is None:
            return
        ranked, failure = failed
        self._failures.append(failure)
        self._failed.append(ranked)
        if failure.local:
            # Found without asking: it costs no attempt.
            self._asked_count -= 1

    def lost(self, ranked: Ranked) -> None:
        """`ranked` was given up for another one that answered sooner. It may be asked again."""
        self._queue.append(ranked)

    def stop_if_told(self) -> None:
        """Raises where a failure is final, so that nobody else is asked beside it."""
        for failure in self._failures[self._judged :]:
            if verdict(failure) is Verdict.STOP:
                raise self._surrender(stopped=failure)

    def interrupted(self, ranked: Ranked, failure: ProviderFailure) -> ServiceFailure:
        """What the caller is told who has a part of the answer. `ranked` is not asked again."""
        self._broken.append(ranked)
        return ServiceFailure(
            ErrorReason.STREAM_INTERRUPTED,
            f"the answer broke off after it had begun: {failure.message}",
            attempts=self.attempts,
            usage=failure.usage,
            plan=self.plan,
        )

    def out_of_time(self) -> ServiceFailure:
        count = len(self.attempts)
        return ServiceFailure(
            ErrorReason.DEADLINE_EXCEEDED,
            f"the caller's deadline passed after {count} attempt{'' if count == 1 else 's'}",
            attempts=self.attempts,
            plan=self.plan,
        )

    async def _first(self) -> Ranked:
        self.course.retries.asked()
        self._require_time()
        if not self._queue:
            raise self._refusal(self.plan)
        return await self._take()

    async def _take(self) -> Ranked:
        """The first in the queue with room; else the first that gets any."""
        turns = self.course.turns
        while True:
            for index, ranked in enumerate(self._queue):
                if turns.has_room(ranked.candidate.target):
                    return self._queue.pop(index)
            targets = [ranked.candidate.target for ranked in self._queue]
            target = await self._turn(targets)
            ranked = self._queue.pop(targets.index(target))
            if self._may_be_asked(ranked):
                self._reserved = ranked
                return ranked
            # Something came up while it was waited for, and may have for others.
            self.course.board.unreserve(target)
            self._queue = [other for other in self._queue if self._may_be_asked(other)]
            if not self._queue:
                raise self._surrender() if self._failures else self._refusal(self._as_of_now())

    async def _turn(self, targets: Sequence[ModelRef]) -> ModelRef:
        """Waits until one of `targets` has room, which is reserved then."""
        began = self._loop.time()
        try:
            # Whoever gets a place too late for an answer keeps it from one who is not too late.
            soonest_s = min(
                expected_time_s(ranked.view._replace(in_flight=0), self.plan.demand)
                for ranked in self._queue
            )
            needed_s = max(self.course.attempt_min_s, min(soonest_s, self.left_s / 2.0))
            while True:
                until = self.request.deadline - needed_s
                try:
                    return await self.course.turns.wait(targets, until)
                except TimeoutError:
                    if until >= self.request.deadline - needed_s:
                        raise self.out_of_time() from None
        except ServiceFailure as failure:
            failure.attempts, failure.plan = self.attempts, self.plan
            raise
        finally:
            self.request.phases.queue_s += self._loop.time() - began

    def _as_of_now(self) -> Plan:
        """The plan with everybody left out for what has come up since."""
        board = self.course.board
        views = board.views([ranked.candidate for ranked in self.plan.ranked])
        now = board.clock()
        out = [passing(view, now) or Excluded(view, Exclusion.DEADLINE) for view in views]
        return replace(self.plan, ranked=(), excluded=(*out, *self.plan.excluded), at=now)

    def _refusal(self, plan: Plan) -> ServiceFailure:
        failure = refusal(plan, self.request.spec.model, self.course.board.clock())
        failure.plan = plan
        return failure

    def _judge(self) -> Ranked | None:
        """Carries out the verdicts of the failures since; gives whom to ask again at once."""
        again: Ranked | None = None
        for failure, ranked in zip(
            self._failures[self._judged :], self._failed[self._judged :], strict=True
        ):
            match verdict(failure):
                case Verdict.STOP:
                    raise self._surrender(stopped=failure)
                case Verdict.NEXT_MODEL:
                    asked_as = ranked.candidate.asked_as
                    self._queue = [r for r in self._queue if r.candidate.asked_as != asked_as]
                case Verdict.RETRY_SAME if ranked not in self._repeated:
                    self._repeated.append(ranked)
                    again = ranked
                case _:
                    pass
        self._judged = len(self._failures)
        return again

    async def _another_round(self) -> None:
        """Asks those again who failed in a way that passes, after a while. Raises when none did."""
        again = [
            ranked
            for ranked, failure in zip(self._failed, self._failures, strict=True)
            if worth_another_round((failure,))
            and ranked not in self._broken
            and self._may_be_asked(ranked)
        ]
        if not again or self.request.wish.disable_failover:
            raise self._surrender()
        wait_s = backoff_s(self._round, self.course.board.draw())
        self._round += 1
        if wait_s + self.course.attempt_min_s > self.left_s:
            raise self._surrender()
        self._spend()
        await asyncio.sleep(wait_s)
        self._queue = list(dict.fromkeys(again))

    def _may_be_asked(self, ranked: Ranked) -> bool:
        """Whether nothing has come up since the plan was made."""
        view = self.course.board.views((ranked.candidate,))[0]
        if view.trial:
            return False
        if view.quota_until > self.course.board.clock() or view.floor_s > self.left_s:
            return False
        return view.circuit is not Circuit.OPEN or ranked.view.circuit is Circuit.OPEN

    def _surrender(self, stopped: ProviderFailure | None = None) -> ServiceFailure:
        failure = surrender(self._failures, self.attempts, stopped)
        failure.plan = self.plan
        return failure

    def _require_time(self) -> None:
        if self.left_s >= self.course.attempt_min_s:
            return
        if self.attempts:
            raise self.out_of_time()
        raise ServiceFailure(
            ErrorReason.DEADLINE_TOO_SHORT,
            f"the deadline leaves less than {self.course.attempt_min_s * 1000:.0f} ms,"
            " too little for any attempt; none was made",
            plan=self.plan,
        )

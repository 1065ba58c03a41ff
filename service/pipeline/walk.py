"""The attempts of one request: who is next, how each ended, what the caller is told at the end.

Completions, streams and embeddings all walk their plan with this, so that the order, the verdicts
and the bookkeeping of attempts exist once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from service.domain.attempt import Attempt, Outcome
from service.domain.errors import ProviderFailure, ServiceFailure
from service.domain.failover import Verdict, surrender, verdict
from service.domain.reasons import ErrorReason
from service.domain.routing import Candidate, Plan


class DeadlinePassed(Exception):  # noqa: N818 - a signal within the pipeline, told to nobody
    """The caller's deadline came before the attempt's own limit."""


class AttemptScope:
    """A with-block around one attempt.

    It swallows a ProviderFailure, so that the walk can go on, unless `committed` was set: then part
    of the answer is with the caller, and ServiceFailure STREAM_INTERRUPTED is raised instead.
    """

    def __init__(self, walk: Walk, candidate: Candidate) -> None:
        self.committed = False
        self._walk = walk
        self._candidate = candidate
        self._started = 0.0

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        duration_s = time.monotonic() - self._started
        match error:
            case None:
                self._walk.ended(self._candidate, Outcome.OK, duration_s)
            case ProviderFailure():
                self._walk.ended(self._candidate, Outcome.FAILED, duration_s, error)
                if self.committed:
                    raise self._walk.interrupted(error) from error
                return True
            case DeadlinePassed():
                self._walk.ended(self._candidate, Outcome.CANCELLED, duration_s)
                raise self._walk.out_of_time() from None
            case _:
                self._walk.ended(self._candidate, Outcome.CANCELLED, duration_s)
        return False


class Walk:
    """Iterate it for the candidates to try; each one inside `attempt`."""

    def __init__(
        self,
        plan: Plan,
        deadline: float,
        loop_time: Callable[[], float],
        *,
        attempt_min_s: float,
    ) -> None:
        self.attempts: tuple[Attempt, ...] = ()
        self.deadline = deadline
        self._plan = plan
        self._loop_time = loop_time
        self._attempt_min_s = attempt_min_s
        self._failures: list[ProviderFailure] = []
        self._stopped = False

    def __repr__(self) -> str:
        return f"<Walk {'; '.join(str(attempt) for attempt in self.attempts) or 'not begun'}>"

    def __iter__(self) -> Iterator[Candidate]:
        """Raises ServiceFailure when there is no time for the next attempt, or nobody left."""
        excluded_model: str | None = None
        upstream_count = 0
        for candidate in self._plan.candidates:
            if candidate.asked_as == excluded_model:
                continue
            if upstream_count >= self._plan.attempts_max:
                break
            self._require_time()
            failures_before = len(self._failures)
            yield candidate
            failure = self._failures[-1] if len(self._failures) > failures_before else None
            if failure is None:
                return
            # A parameter that the provider lacks is found without asking it: that costs no attempt.
            upstream_count += not failure.local
            decision = verdict(failure)
            if decision is Verdict.STOP:
                self._stopped = True
                break
            if decision is Verdict.NEXT_MODEL:
                excluded_model = candidate.asked_as
        raise surrender(self._failures, self.attempts, stopped=self._stopped)

    def attempt(self, candidate: Candidate) -> AttemptScope:
        """Records how the attempt inside ended; see AttemptScope."""
        return AttemptScope(self, candidate)

    def ended(
        self,
        candidate: Candidate,
        outcome: Outcome,
        duration_s: float,
        failure: ProviderFailure | None = None,
    ) -> None:
        """Remembers an attempt, and its failure for the verdict."""
        if failure is not None:
            self._failures.append(failure)
        attempt = Attempt(
            candidate.target,
            outcome,
            duration_s,
            failure.reason if failure else None,
            failure.http_status if failure else 0,
            failure.message if failure else "",
        )
        self.attempts += (attempt,)

    def interrupted(self, failure: ProviderFailure) -> ServiceFailure:
        return ServiceFailure(
            ErrorReason.STREAM_INTERRUPTED,
            f"the answer broke off after it had begun: {failure.message}",
            attempts=self.attempts,
            usage=failure.usage,
        )

    def out_of_time(self) -> ServiceFailure:
        return ServiceFailure(
            ErrorReason.DEADLINE_EXCEEDED,
            f"the caller's deadline passed after {len(self.attempts)} attempts",
            attempts=self.attempts,
        )

    def _require_time(self) -> None:
        if self.deadline - self._loop_time() >= self._attempt_min_s:
            return
        if self.attempts:
            raise self.out_of_time()
        raise ServiceFailure(
            ErrorReason.DEADLINE_TOO_SHORT,
            f"the deadline leaves less than {self._attempt_min_s * 1000:.0f} ms,"
            " too little for any attempt; none was made",
        )

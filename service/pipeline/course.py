"""What every walk shares, and who is told how its attempts ended. Decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.domain.attempt import Attempt
from service.domain.call_record import AttemptRecord
from service.domain.decision import Decision
from service.domain.request import CompletionRequest
from service.domain.routing import Plan
from service.pipeline.ended import Ended, Evidence
from service.pipeline.retries import Retries
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from service.ports import Journal


@dataclass(frozen=True, slots=True)
class Course:
    """The state that a walk reads and reports to, and its limits.

    `decided` is told of each decision once its first attempt has ended. It must not wait.
    """

    board: Scoreboard
    turns: Turns
    retries: Retries
    attempt_min_s: float
    decided: Callable[[Decision], None] | None = None
    journal: Journal | None = None
    """Told of each attempt upstream once it has ended."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    keeps_content: bool = False
    """Whether prompts and answers are remembered with attempts."""

    def ended(
        self, request: CompletionRequest, plan: Plan, attempt: Attempt, how: Ended, *, first: bool
    ) -> None:
        """Tells of an attempt; `first` says that it is the one which the plan decided for."""
        self.board.ended(attempt.target, how)
        model = request.spec.model
        if self.journal is not None and how.evidence is not Evidence.NONE:
            record = AttemptRecord(
                self.clock(),
                request.request_id,
                request.tenant,
                request.method,
                model,
                request.labels,
                attempt,
                request.span,
                plan.ranked,
            )
            self.journal.put(record)
        if first and how.evidence is Evidence.FULL and self.decided is not None:
            self.decided(
                Decision(
                    request.request_id, request.tenant, model, plan, attempt, how.output_tokens
                )
            )

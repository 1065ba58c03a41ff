"""One call to one provider, as it is remembered and told."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from service.domain.completion import Completion, CompletionSpec, FinishReason, Usage
from service.domain.cost import Cost
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason


class Outcome(Enum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Exchange(NamedTuple):
    """What was asked, and the whole answer if there was one. Held only where it is exported."""

    spec: CompletionSpec
    answer: Completion | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """`reason` is None when it gave the answer; `http_status` is 0 when there was none.

    `first_token_s` is None when none was seen. `hedge` marks a second attempt beside a first.
    `usage` and `cost` tell what it consumed, whatever became of it; None where that is not known.
    `span_id` is "" where nobody traces.
    `start_offset_s` is when it began, in seconds after its walk did: what `Timing` calls cache had
    passed by then, and what it calls queue, route and provider is counted from there.
    `finish_reason` and `provider_model` are those of its answer, see Ending; None and "" without.
    """

    target: ModelRef
    outcome: Outcome
    duration_s: float
    reason: ErrorReason | None = None
    http_status: int = 0
    message: str = ""
    score: float = 0.0
    first_token_s: float | None = None
    hedge: bool = False
    usage: Usage | None = None
    cost: Cost | None = None
    span_id: str = ""
    exchange: Exchange | None = field(default=None, repr=False, compare=False)
    start_offset_s: float = 0.0
    finish_reason: FinishReason | None = None
    provider_model: str = ""

    def __str__(self) -> str:
        why = f" {self.reason.name}" if self.reason else ""
        also = " (hedge)" if self.hedge else ""
        return f"{self.target} {self.outcome.value}{why} {self.duration_s * 1000:.0f} ms{also}"

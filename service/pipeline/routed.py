"""What a router tells: an answer, or the events of one, and what came before it."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.attempt import Attempt
from service.domain.completion import Completion, Ending
from service.domain.cost import Cost
from service.domain.events import PartDone, ReasoningDelta, TextDelta, ToolCallDelta
from service.domain.provider import Embeddings, ModelRef, TokenCount
from service.domain.trace import Trace


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer, who gave it, and how it came to that."""

    completion: Completion
    target: ModelRef
    trace: Trace


@dataclass(frozen=True, slots=True)
class Embedded:
    embeddings: Embeddings
    target: ModelRef
    trace: Trace


@dataclass(frozen=True, slots=True)
class Counted:
    """`cost` is what the prompt alone would cost."""

    count: TokenCount
    cost: Cost


@dataclass(frozen=True, slots=True)
class Begun:
    """The provider speaks: the attempt is committed.

    `broken` is the attempt that had begun before this one and broke off: what it told is void.
    """

    target: ModelRef
    broken: Attempt | None = None
    made_at: float | None = None
    """When the answer was made, in seconds since the epoch; None for now."""


@dataclass(frozen=True, slots=True)
class Missed:
    """An attempt failed before its first event, and another may follow."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is whole. Always the last event."""

    ending: Ending
    target: ModelRef
    trace: Trace


Delta = TextDelta | ReasoningDelta | ToolCallDelta | PartDone
RoutedEvent = Delta | Begun | Missed | Done

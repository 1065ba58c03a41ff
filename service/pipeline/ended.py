"""How an attempt went, as it is told to the scoreboard."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from service.domain.errors import ProviderFailure


class Evidence(Enum):
    """What an answer tells of its provider."""

    FULL = "full"
    LIFE = "life"
    """That it answers, but not how fast it completes: tokens were counted, or texts embedded."""
    NONE = "none"
    """It was not asked."""


class Start(NamedTuple):
    """How an attempt began: as which of the candidate, and whether to find out if it is back."""

    number: int = 0
    trial: bool = False


NOT_TOLD = Start()


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. `failure` is None for an answer.

    `left` means that the caller went first, or that a limit of its own cut the attempt short.

    `first_token_s` is None when nobody saw one; `spoken_s` is the time spent waiting for the rest.
    """

    duration_s: float
    failure: ProviderFailure | None = None
    left: bool = False
    first_token_s: float | None = None
    spoken_s: float = 0.0
    output_tokens: int = 0
    evidence: Evidence = Evidence.FULL
    start: Start = NOT_TOLD
    """As `began` gave it."""
    listened: bool = True
    """Whether a first token would have been seen."""

    @property
    def silent(self) -> bool:
        return self.listened and self.first_token_s is None

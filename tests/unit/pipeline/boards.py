"""A scoreboard on virtual time, and attempts that end as a test wants."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import View
from service.pipeline.ended import Ended, Evidence
from service.pipeline.entry import Entry
from service.pipeline.scoreboard import Scoreboard
from tests.kit.virtual import Clock

A, B, C = (ModelRef(provider, "m") for provider in "abc")

DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=500)
SILENT = ProviderFailure(ErrorReason.PROVIDER_TIMEOUT, "silent")
BUSY = ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "busy", http_status=429)
SPENT = ProviderFailure(ErrorReason.PROVIDER_QUOTA_EXHAUSTED, "spent", http_status=402)
OVERLOADED = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "overloaded", http_status=529)
REFUSED = ProviderFailure(ErrorReason.INVALID_REQUEST, "no", http_status=400)
TOO_LONG = ProviderFailure(ErrorReason.CONTEXT_WINDOW_EXCEEDED, "long", http_status=400)
UNASKED = ProviderFailure(ErrorReason.UNSUPPORTED_PARAMETER, "lacks it", local=True)

ANSWERED = Ended(1.0, first_token_s=0.2, spoken_s=0.8, output_tokens=81)
WHOLE = Ended(1.0, output_tokens=100)
LEFT = Ended(0.1, left=True)
ESTIMATED = Ended(0.0, evidence=Evidence.NONE)
COUNTED = Ended(0.1, evidence=Evidence.LIFE)

ENDINGS = {
    "answered": ANSWERED,
    "whole": WHOLE,
    "left": LEFT,
    "estimated": ESTIMATED,
    "counted": COUNTED,
    "overdue": Ended(9.0, SILENT, left=True),
    **{
        failure.message: Ended(0.5, failure)
        for failure in (DOWN, SILENT, BUSY, SPENT, OVERLOADED, REFUSED, TOO_LONG, UNASKED)
    },
}
"""Every way in which an attempt may end, by name."""


class Scene:
    """A board, its clock, and attempts at `A` unless another is named."""

    def __init__(self, now: float = 1000.0) -> None:
        self.clock = Clock(now)
        self.board = Scoreboard(self.clock, Random(3))

    def attempt(self, how: Ended = ANSWERED, target: ModelRef = A, times: int = 1) -> None:
        for _ in range(times):
            start = self.board.began(target)
            self.board.ended(target, replace(how, start=start))

    def fail(self, target: ModelRef = A) -> float:
        """Opens the circuit; gives when that is over."""
        self.attempt(Ended(0.5, DOWN), target, 5)
        return self.entry(target).breaker.open_until

    def half_open(self, target: ModelRef = A) -> None:
        """Lets a circuit open, and the opening pass."""
        self.clock.now = self.fail(target)
        self.view(target)

    def view(self, target: ModelRef = A, **known: Any) -> View:
        return self.board.views([Candidate(target, target.model, **known)])[0]

    def entry(self, target: ModelRef = A) -> Entry:
        entry = self.board.peek(target)
        assert entry is not None
        return entry


def after(name: str) -> Entry:
    """A candidate after one attempt that ended so."""
    scene = Scene()
    scene.attempt(ENDINGS[name])
    return scene.entry()

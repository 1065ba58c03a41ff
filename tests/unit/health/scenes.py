"""What the tests of health share: virtual time, candidates as live traffic left them, checks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from service.domain.breaker import Circuit
from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.health import CandidateHealth
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import View
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard

DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "out of order", http_status=503)
BUSY = ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "not now", http_status=429)
ODD = ProviderFailure(ErrorReason.INVALID_REQUEST, "what?", http_status=400)


def candidate(
    provider: str = "one", model: str = "m", deployment: str = "", **fields: Any
) -> CandidateHealth:
    """One that was asked of late and answered. `fields` are its own, or its view's."""
    seen: dict[str, Any] = {"quality": 0.95, "known": True}
    seen |= {name: fields.pop(name) for name in list(fields) if name in View._fields}
    view = View(Candidate(ModelRef(provider, model, deployment), model), **seen)
    told: dict[str, Any] = {"successes": 10.0, "answered_at": 1.0, **fields}
    return CandidateHealth(view, **told)


def attempt(board: Scoreboard, target: ModelRef, how: Ended) -> None:
    """One that begins and ends, as a request reports it."""
    start = board.began(target)
    board.ended(target, replace(how, start=start))


def opened(provider: str = "one", until: float = 10.0, **fields: Any) -> CandidateHealth:
    """One whose circuit is open."""
    return candidate(provider, circuit=Circuit.OPEN, circuit_until=until, **fields)


class Checkable:
    """Plays `steps` when it is checked: waits seconds, raises, or answers a bool; else True."""

    def __init__(self, *steps: float | bool | BaseException) -> None:
        self.steps: Sequence[float | bool | BaseException] = steps
        self.count = 0
        self.cancelled_count = 0

    async def __call__(self) -> bool:
        self.count += 1
        try:
            for step in self.steps:
                if isinstance(step, BaseException):
                    raise step
                if isinstance(step, bool):
                    return step
                await asyncio.sleep(step)
        except asyncio.CancelledError:
            self.cancelled_count += 1
            raise
        return True

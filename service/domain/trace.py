"""How a request came to its answer, or to none: what was planned, and what was tried."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.attempt import Attempt
from service.domain.routing import Plan


@dataclass(frozen=True, slots=True)
class Trace:
    """`attempts` in the order in which they started."""

    plan: Plan
    attempts: tuple[Attempt, ...] = ()

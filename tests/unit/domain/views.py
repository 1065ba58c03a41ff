"""Candidates and views of them, for the tests of what is decided about them."""

from __future__ import annotations

from typing import Any

from service.domain.candidate import Candidate
from service.domain.provider import ModelRef
from service.domain.routing import Plan
from service.domain.scoring import View


def candidate(name: str = "a", **known: Any) -> Candidate:
    """Provider `name`, serving the model `m`."""
    return Candidate(ModelRef(name, "m"), "m", **known)


def view(of: Candidate | str = "a", **seen: Any) -> View:
    return View(candidate(of) if isinstance(of, str) else of, **seen)


def order(plan: Plan) -> list[str]:
    """The providers in the order in which they would be tried."""
    return [ranked.candidate.target.provider for ranked in plan.ranked]


def left_out(plan: Plan) -> dict[str, str]:
    """Why each of the others would not be."""
    return {out.candidate.target.provider: out.why.value for out in plan.excluded}

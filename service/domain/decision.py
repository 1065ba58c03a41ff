"""One routing decision and what came of it, for `replay` to learn from. No word of a prompt."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.attempt import Attempt
from service.domain.routing import Plan


@dataclass(frozen=True, slots=True)
class Decision:
    """`attempt` is the first one, the one that the plan's draw picked; later ones are failovers.

    `output_tokens` is what it answered, 0 if it did not.
    """

    request_id: str
    tenant: str
    model: str
    plan: Plan
    attempt: Attempt
    output_tokens: int = 0

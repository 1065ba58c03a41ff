"""What an answer would have cost elsewhere: what the choice of a candidate saved. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service.domain.attempt import Attempt, Outcome
from service.domain.pricing import cost_of
from service.domain.routing import Ranked


def dearest_nano_usd(ranked: Sequence[Ranked], attempt: Attempt) -> int | None:
    """What the same tokens cost at the dearest candidate that could have been asked instead.

    None where there was no choice between prices that are known, no answer, or no known cost. Only
    candidates of one tier are a choice: fallbacks are for when nobody else answers.
    """
    usage, cost = attempt.usage, attempt.cost
    if attempt.outcome is not Outcome.OK or usage is None or cost is None or not cost.is_known:
        return None
    tier = next((r.candidate.tier for r in ranked if r.candidate.target == attempt.target), None)
    prices = {
        r.candidate.target: r.candidate.price
        for r in ranked
        if r.candidate.tier == tier and r.candidate.price is not None
    }
    if len(prices) < 2:
        return None
    # What the provider itself says that it charges holds nowhere else.
    tokens = replace(usage, reported_nano_usd=None)
    others = [price for target, price in prices.items() if target != attempt.target]
    known = [one.total for price in others if (one := cost_of(price, tokens)).is_known]
    return max(cost.total, *known) if known else None

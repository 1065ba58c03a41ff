"""How long silence is borne, and how much time is kept back for whoever is asked next. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.routing import Ranked
from service.domain.scoring import Demand, expected_time_s

FIRST_TOKEN_MIN_S = 2.0
FIRST_TOKEN_MAX_S = 20.0
SLOWER_THAN_USUAL = 4.0
"""Silence of so many times the usual (p95) first token is taken for an outage."""
TRIAL_S = 4.5
UNKNOWN_P95_S = 1.0
"""What is taken for usual until there are samples."""
READING_S_PER_TOKEN = 1e-4
"""How much longer a prompt makes the first token, where nothing better is known."""
RESERVE_MIN_S = 0.25
RESERVE_FACTOR = 2.0
OVERDUE_MIN_S = 0.5


def first_token_limit_s(
    p95_s: float | None, prompt_tokens: int, most_s: float, *, reasons: bool, trial: bool
) -> float:
    """clamp(4 x p95, 2 s, 20 s), at most `most_s`.

    A request that makes the model think first may take `most_s`. A trial after an outage is given
    `TRIAL_S`, so that a provider that has become slower is found to be back.
    """
    if reasons:
        return most_s
    usual_s = UNKNOWN_P95_S + prompt_tokens * READING_S_PER_TOKEN if p95_s is None else p95_s
    limit_s = min(max(SLOWER_THAN_USUAL * usual_s, FIRST_TOKEN_MIN_S), FIRST_TOKEN_MAX_S)
    return min(max(limit_s, TRIAL_S) if trial else limit_s, most_s)


def overdue_s(p95_s: float | None, limit_s: float) -> float:
    """Silence of so long speaks against a provider though its caller waited no longer."""
    return limit_s if p95_s is None else min(limit_s, max(SLOWER_THAN_USUAL * p95_s, OVERDUE_MIN_S))


def reserve_s(asked: Ranked, following: Sequence[Ranked], demand: Demand, left_s: float) -> float:
    """What is kept back of `left_s` for the next candidate; 0 when nobody follows.

    Twice its expected time, at most half of what is left, and nothing that the one who is `asked`
    now is expected to need: where there is no time for both, it has all of it.
    """
    if not following:
        return 0.0
    next_s = expected_time_s(following[0].view, demand)
    spare_s = left_s - expected_time_s(asked.view, demand)
    if spare_s < next_s:
        return 0.0
    return min(max(RESERVE_FACTOR * next_s, RESERVE_MIN_S), spare_s, left_s / 2.0)

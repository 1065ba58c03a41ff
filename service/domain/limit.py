"""How many attempts at once a candidate bears, learned from its refusals. Pure.

Additive increase, multiplicative decrease: x 0.8 on a pushback (429, 503, 529), + 1 for each quiet
second in which the limit was reached. Without any pushback there is no limit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

DECREASE = 0.8
WINDOW_S = 1.0
FORGOTTEN_AFTER_S = 300.0
"""Without a pushback for so long there is no limit any more."""
UNLIMITED = math.inf


class Limit(NamedTuple):
    """`value` is at least 1; `changed_at` is when it last went up or down."""

    value: float = UNLIMITED
    changed_at: float = -math.inf
    pushed_back_at: float = -math.inf

    def __repr__(self) -> str:
        return f"<Limit {'none' if self.value == UNLIMITED else f'{self.value:.0f}'}>"


def pushed_back(limit: Limit, now: float, in_flight_count: int) -> Limit:
    """After a refusal, with so many attempts in flight (itself included)."""
    if now - limit.pushed_back_at < WINDOW_S:
        # Attempts that were under way together are one pushback.
        return limit
    value = max(1.0, math.floor(DECREASE * min(limit.value, in_flight_count)))
    return Limit(value, now, now)


def answered(limit: Limit, now: float, in_flight_count: int) -> Limit:
    """After an answer, with so many attempts in flight (itself included)."""
    if limit.value == UNLIMITED or now - limit.changed_at < WINDOW_S:
        return limit
    if now - limit.pushed_back_at >= FORGOTTEN_AFTER_S:
        return Limit()
    if in_flight_count < limit.value:
        # It was not reached: nothing is known about more.
        return limit
    return Limit(limit.value + 1.0, now, limit.pushed_back_at)

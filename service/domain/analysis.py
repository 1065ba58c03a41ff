"""What sums say: shares, rates, quantiles, why things failed, how far apart points stand. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.domain import sketch
from service.domain.reasons import ErrorReason, FaultOwner, fault_owner
from service.domain.rollup import Cell, Count, Kind, Rollup

_US = 1_000_000
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_STEPS_S = (
    *(minutes * _MINUTE_S for minutes in (1, 5, 15, 30)),
    *(hours * _HOUR_S for hours in (1, 3, 6, 12)),
    *(days * _DAY_S for days in (1, 7, 30, 365)),
)
"""What a person takes for a round span of time."""


class Latency(NamedTuple):
    """In seconds. Quantiles are as exact as a tally, see `sketch.ACCURACY`."""

    measured: int
    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float


class ReasonCount(NamedTuple):
    reason: ErrorReason
    owner: FaultOwner
    times: int


def share(part: float, whole: float) -> float:
    """0 where there is no whole."""
    return part / whole if whole else 0.0


def latency(tally: Mapping[int, int], sum_us: int | None = None) -> Latency | None:
    """None if nothing was measured. `sum_us` makes the mean exact."""
    measured = sketch.count(tally)
    if not measured:
        return None
    mean_s = sum_us / _US / measured if sum_us is not None else sketch.mean(tally) or 0.0
    return Latency(measured, mean_s, *quantiles(tally, (0.5, 0.95, 0.99)))


def quantiles(tally: Mapping[int, int], shares: Sequence[float]) -> list[float]:
    """In seconds, for ascending shares, in one pass; none if nothing was measured."""
    measured = sketch.count(tally)
    if not measured:
        return []
    ranks = [math.ceil(one * measured) or 1 for one in shares]
    found: list[float] = []
    passed = 0
    for place in sorted(tally):
        passed += tally[place]
        while passed >= ranks[len(found)]:
            found.append(sketch.latency(place))
            if len(found) == len(ranks):
                return found
    return found


def reasons(rollup: Rollup, kind: Kind) -> list[ReasonCount]:
    """The most frequent first; of equals by name."""
    counted = [
        ReasonCount(reason, fault_owner(reason), count)
        for reason, count in rollup.reasons(kind).items()
    ]
    return sorted(counted, key=lambda one: (-one.times, one.reason.name))


def elapsed_s(start: float, end: float, now: float) -> float:
    """How much of a span has passed, at least a second: what a rate is by."""
    return max(min(end, now) - start, 1.0)


def in_flight(rollup: Rollup, span_s: float) -> float:
    """In the mean. Little's law: L = lambda * W, the sum of durations over the length of time."""
    return rollup[Count.TOTAL_US] / _US / span_s


def concurrency(tally: Mapping[int, int]) -> tuple[int, int]:
    """What 95 of 100 did not exceed, and the most. Exact below 50; 0 if nothing was counted."""
    p95, peak = quantiles(tally, (0.95, 1.0)) or (0.0, 0.0)
    return round(p95), round(peak)


def hit_share(rollup: Rollup) -> float:
    """Requests for which nobody had to be asked anew, of those that might have been such."""
    served = sum(rollup[count] for count in _SERVED)
    return share(served, served + rollup[Count.MISSES])


def per_request_nano_usd(rollup: Rollup) -> int | None:
    """Rounded down; None without requests, or where no cost is known."""
    requests, cost = rollup[Count.REQUESTS], rollup.cost
    return cost.total // requests if requests and cost.is_known else None


def trend_step_s(span_s: float, points: int) -> int:
    """The shortest round step of which no more than `points`, and a part of one, make the span.

    Who asks for the last 24 hours in 24 points means hours, though a moment has passed since.
    """
    for step_s in _STEPS_S:
        if span_s / step_s < points + 1:
            return step_s
    years = math.ceil(span_s / points / _STEPS_S[-1])
    return years * _STEPS_S[-1]


def filled(cells: Sequence[Cell], start: float, end: float, step_s: int) -> list[Cell]:
    """One cell for each step, empty ones where nothing was."""
    found = {int(cell.start // step_s): cell for cell in cells}
    places = range(int(start // step_s), math.ceil(end / step_s))
    return [found.get(place) or _nothing(place, step_s) for place in places]


def _nothing(place: int, step_s: int) -> Cell:
    return Cell(place * step_s, (place + 1) * step_s, (), Rollup())


_SERVED = (Count.LOCAL_HITS, Count.SHARED_HITS, Count.COALESCED, Count.REPEATED)

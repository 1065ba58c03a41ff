"""Who is asked first, who next, who not at all. Pure: snapshot, request and draw in, a Plan out.

Hard filters come first and each names its reason; then a policy scores those who are left, and the
draw picks the first by their shares. The rest follow by score. The plan holds all that the choice
was made of: `picked` computes it again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.breaker import Circuit, Trip
from service.domain.candidate import Candidate
from service.domain.scoring import (
    Demand,
    Policy,
    PolicyName,
    View,
    expected_cost,
    scores,
)
from service.domain.wishes import OPEN, TRANSIENT, Bounds, Exclusion, RouteWish, barred


class Ranked(NamedTuple):
    """A candidate that may be tried. `share` is the probability with which it was first.

    `place` is where its share was laid among those of its tier.
    """

    view: View
    score: float
    terms: tuple[float, ...]
    share: float
    place: int

    @property
    def candidate(self) -> Candidate:
        return self.view.candidate


class Excluded(NamedTuple):
    """A candidate that is not tried. `until` is when that may change, 0 if nobody knows."""

    view: View
    why: Exclusion
    until: float = 0.0

    @property
    def candidate(self) -> Candidate:
        return self.view.candidate


@dataclass(frozen=True, slots=True)
class Plan:
    """`ranked` in the order in which they are tried; `draw` in [0, 1) picked the first of them.

    `trial` says that the first was put there to see whether it is back: then nothing was drawn.
    `at` is the moment of the snapshot.
    """

    ranked: tuple[Ranked, ...]
    excluded: tuple[Excluded, ...]
    policy: Policy
    demand: Demand
    draw: float
    at: float = 0.0
    trial: bool = False

    def __repr__(self) -> str:
        order = " > ".join(f"{r.candidate.target} {r.score:.2f}" for r in self.ranked)
        out = ", ".join(f"{e.candidate.target}: {e.why.value}" for e in self.excluded)
        return f"<Plan [{order or 'nobody'}{' | ' + out if out else ''}]>"

    @property
    def propensity(self) -> float:
        """The probability with which this first candidate was picked, 0 if there is none."""
        return self.ranked[0].share if self.ranked else 0.0


class RouteRequest(NamedTuple):
    """One request, as far as routing cares."""

    demand: Demand = Demand()
    wish: RouteWish = RouteWish()
    bounds: Bounds = OPEN
    needs: frozenset[str] = frozenset()
    time_left_s: float = math.inf
    failover: bool = True
    """Whether a second attempt could follow a first."""


def plan_route(
    request: RouteRequest, views: Sequence[View], now: float, draw: float, turn: int = 0
) -> Plan:
    """`views` in the order of tiers. `draw` in [0, 1) picks; `turn` counts requests."""
    policy = request.bounds.policy
    demand = request.demand
    eligible: list[View] = []
    excluded: list[Excluded] = []
    soft: list[Excluded] = []
    for view in views:
        out = _exclusion(request, view, now)
        if out is None:
            eligible.append(view)
        elif out.why is Exclusion.CAPABILITY and not view.candidate.declared:
            soft.append(out)
        else:
            excluded.append(out)
    if not eligible and soft:
        # What is only published may be wrong: it never rules out everybody.
        for lacking in soft:
            out = passing(lacking.view, now)
            if out is None:
                eligible.append(lacking.view)
            else:
                excluded.append(out)
        soft = []
    excluded += soft
    _unless_panic(eligible, excluded, now)
    if not eligible:
        return Plan((), tuple(excluded), policy, demand, draw, now)
    ranked: list[Ranked] = []
    first_tier = True
    trial = False
    for tier in _tiers(eligible):
        scored = scores(policy, tier, demand, turn)
        shares = pick_shares(policy, [score for score, _ in scored], [v.ramp for v in tier])
        group = [
            Ranked(view, score, terms, share if first_tier else 0.0, place)
            for place, (view, (score, terms), share) in enumerate(
                zip(tier, scored, shares, strict=True)
            )
        ]
        if first_tier:
            trial = _put_first(group, draw, failover=request.failover and len(eligible) > 1)
            first_tier = False
        else:
            group.sort(key=_by_score, reverse=True)
        ranked += group
    return Plan(tuple(ranked), tuple(excluded), policy, demand, draw, now, trial)


def pick_shares(policy: Policy, values: Sequence[float], ramps: Sequence[float]) -> list[float]:
    """The probability of each to be picked first; they sum to 1.

    Score policies: softmax of the scores, each at least `policy.floor`. `weighted`: in proportion.
    The others: the best, or any of the best that are equal. A candidate in slow start gets a part.
    """
    if len(values) == 1:
        return [1.0]
    match policy.name:
        case PolicyName.WEIGHTED:
            weights = list(values)
        case PolicyName.PRIORITY | PolicyName.ROUND_ROBIN:
            first = values.index(max(values))
            return [1.0 if index == first else 0.0 for index in range(len(values))]
        case PolicyName.LEAST_IN_FLIGHT:
            best = max(values)
            weights = [1.0 if value == best else 0.0 for value in values]
        case _:
            best = max(values)
            scale = 1.0 / policy.temperature
            weights = [math.exp((value - best) * scale) for value in values]
    weights = [weight * ramp for weight, ramp in zip(weights, ramps, strict=True)]
    total = sum(weights)
    if total <= 0:
        return [1.0 / len(values)] * len(values)
    floor = min(policy.floor, 0.1 / len(values))
    rest = (1.0 - floor * len(values)) / total
    return [floor + weight * rest for weight in weights]


def picked(shares: Sequence[float], draw: float) -> int:
    """The place on which `draw` falls when the shares are laid end to end."""
    reached = 0.0
    for index, share in enumerate(shares):
        reached += share
        if draw < reached:
            return index
    return max(range(len(shares)), key=shares.__getitem__)


def _put_first(group: list[Ranked], draw: float, *, failover: bool) -> bool:
    """Orders a tier in place: the trial or the picked one first, the rest by score."""
    returning = [r for r in group if r.view.circuit is Circuit.HALF_OPEN]
    trial = bool(returning) and failover
    if trial:
        # One live request finds out whether it is back; the others cover for it.
        first = max(returning, key=_by_score)._replace(share=1.0)
        group[:] = [r._replace(share=0.0) for r in group if r.view is not first.view]
    else:
        first = group.pop(picked([r.share for r in group], draw))
    group.sort(key=_by_score, reverse=True)
    group.insert(0, first)
    return trial


def _exclusion(request: RouteRequest, view: View, now: float) -> Excluded | None:
    candidate = view.candidate
    wish = request.wish
    why = barred(candidate, wish, request.bounds)
    if why is not None:
        return Excluded(view, why)
    window = candidate.context_window_tokens
    if window and request.demand.prompt_tokens * _ESTIMATE_SLACK > window:
        return Excluded(view, Exclusion.CONTEXT_WINDOW)
    if wish.cost_max_nano_usd:
        cost = expected_cost(view, request.demand)
        if cost is None or cost > wish.cost_max_nano_usd:
            return Excluded(view, Exclusion.COST)
    if view.floor_s > request.time_left_s:
        return Excluded(view, Exclusion.DEADLINE)
    if request.needs and candidate.capabilities and not request.needs <= candidate.capabilities:
        return Excluded(view, Exclusion.CAPABILITY)
    return passing(view, now)


# An estimate of four bytes to a token may be a fifth too high: what could fit is tried.
_ESTIMATE_SLACK = 0.8


def passing(view: View, now: float) -> Excluded | None:
    """What will pass by itself."""
    if view.circuit is Circuit.OPEN:
        return Excluded(view, Exclusion.CIRCUIT_OPEN, view.circuit_until)
    if view.trial:
        return Excluded(view, Exclusion.ON_TRIAL)
    if view.quota_until > now:
        return Excluded(view, Exclusion.QUOTA, view.quota_until)
    return None


def _unless_panic(eligible: list[View], excluded: list[Excluded], now: float) -> None:
    """With more than half ejected, the least bad that still answered at times is tried anyway.

    So is one that only others speak ill of. Not one that failed five times in a row: failing fast
    serves its callers better.
    """
    ejected = [out for out in excluded if out.why is Exclusion.CIRCUIT_OPEN]
    wanted_count = len(eligible) + sum(out.why in TRANSIENT for out in excluded)
    if len(ejected) * 2 <= wanted_count:
        return
    flaky = [
        out for out in ejected if out.view.trip is not Trip.IN_A_ROW and out.view.quota_until <= now
    ]
    if not flaky:
        return
    least_bad = max(flaky, key=lambda out: out.view.quality)
    tier = least_bad.candidate.tier
    if eligible and all(view.candidate.tier != tier for view in eligible):
        # A fallback that is well serves better than one that is not.
        return
    excluded.remove(least_bad)
    eligible.append(least_bad.view)


def _tiers(views: list[View]) -> list[list[View]]:
    first = views[0].candidate.tier
    if all(view.candidate.tier == first for view in views):
        return [views]
    tiers: dict[int, list[View]] = {}
    for view in views:
        tiers.setdefault(view.candidate.tier, []).append(view)
    return [tiers[tier] for tier in sorted(tiers)]


def _by_score(ranked: Ranked) -> float:
    return ranked.score

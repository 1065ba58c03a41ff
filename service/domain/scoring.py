"""How good a candidate looks: named policies, each a pure function over one frozen snapshot.

A score is a number with the terms that it is the sum of, so that a choice can be explained, and
computed again. Nothing here rules anybody out: `routing.py` does.

`composite` is the overview's: success 40 %, response time 30 %, health 30 %, over statistics that
fade. Times are compared with the fastest candidate's, for a fixed scale calls every long answer
slow. The objective policies score by utility, after Finagle's load metric:
    U = - ln E[time] - a ln E[cost] + b ln q
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from service.domain.breaker import Circuit, Trip
from service.domain.candidate import Candidate
from service.domain.limit import UNLIMITED
from service.domain.pricing import expected_nano_usd
from service.domain.reasons import ErrorReason
from service.domain.stats import PRIOR_FIRST_TOKEN_S, PRIOR_SUCCESSES, PRIOR_TOKEN_S

POLICY_VERSION = "2"
"""Raised whenever equal snapshots may give other scores than before."""


class Standing(Enum):
    """How a candidate does, in one word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


HEALTH = {
    Standing.HEALTHY: 1.0,
    Standing.UNKNOWN: 0.9,
    Standing.DEGRADED: 0.5,
    Standing.UNHEALTHY: 0.0,
}
DEGRADED_BELOW = 0.8
UNHEALTHY_BELOW = 0.4


class View(NamedTuple):
    """One candidate at one moment. Times are seconds, `..._until` in the clock of `now`.

    `floor_s` is the soonest first token of late, 0 if unknown. `in_flight` counts attempts now.
    """

    candidate: Candidate
    quality: float = PRIOR_SUCCESSES / (PRIOR_SUCCESSES + 1.0)
    first_token_s: float = PRIOR_FIRST_TOKEN_S
    token_s: float = PRIOR_TOKEN_S
    in_flight: int = 0
    limit: float = UNLIMITED
    circuit: Circuit = Circuit.CLOSED
    trip: Trip | None = None
    circuit_until: float = 0.0
    trial: bool = False
    ramp: float = 1.0
    quota_until: float = 0.0
    quota_reason: ErrorReason | None = None
    floor_s: float = 0.0
    known: bool = False
    """Whether it was asked, or checked, of late."""


class Demand(NamedTuple):
    """What a request brings to every candidate. Tokens are estimates.

    `sticky` is who answered the same conversation before: `sticky_share` of the prompt is likely
    in its prompt cache.
    """

    prompt_tokens: int = 0
    output_tokens: int = 256
    sticky: Candidate | None = None
    sticky_share: float = 0.0


class PolicyName(Enum):
    COMPOSITE = "composite"
    LATENCY = "latency"
    COST = "cost"
    RELIABILITY = "reliability"
    WEIGHTED = "weighted"
    PRIORITY = "priority"
    ROUND_ROBIN = "round_robin"
    LEAST_IN_FLIGHT = "least_in_flight"


@dataclass(frozen=True, slots=True)
class Policy:
    """A named policy with its numbers.

    `temperature` spreads the first pick: the share of a candidate falls by e for each
    `temperature` that its score is below the best. Each eligible one gets at least `floor` of the
    picks, so that one that nobody asked of late is asked at times.
    """

    name: PolicyName = PolicyName.COMPOSITE
    temperature: float = 0.02
    floor: float = 0.01
    success_weight: float = 0.4
    time_weight: float = 0.3
    health_weight: float = 0.3
    log_time: float = 1.0
    log_cost: float = 0.0
    log_quality: float = 2.0


POLICIES = {
    PolicyName.COMPOSITE: Policy(),
    PolicyName.LATENCY: Policy(PolicyName.LATENCY, 0.12),
    PolicyName.COST: Policy(PolicyName.COST, 0.12, log_time=0.05, log_cost=1.0),
    PolicyName.RELIABILITY: Policy(PolicyName.RELIABILITY, 0.12, log_time=0.1, log_quality=20.0),
    PolicyName.WEIGHTED: Policy(PolicyName.WEIGHTED, floor=0.0),
    PolicyName.PRIORITY: Policy(PolicyName.PRIORITY, floor=0.0),
    PolicyName.ROUND_ROBIN: Policy(PolicyName.ROUND_ROBIN, floor=0.0),
    PolicyName.LEAST_IN_FLIGHT: Policy(PolicyName.LEAST_IN_FLIGHT, floor=0.0),
}

_AFFINITY_WEIGHT = 0.06
_CACHED_FIRST_TOKEN = 0.5
"""The share of the time to the first token that a whole prompt in the provider's cache saves."""
_TINY = 1e-9

Scored = tuple[float, tuple[float, ...]]
"""A score, and its terms in the order of the policy's `term_names`."""


def standing(view: View) -> Standing:
    """From live traffic: the circuit first, then the share of successes."""
    if view.circuit is Circuit.OPEN:
        return Standing.UNHEALTHY
    if view.circuit is Circuit.HALF_OPEN:
        return Standing.DEGRADED
    if not view.known:
        return Standing.UNKNOWN
    if view.quality < UNHEALTHY_BELOW:
        return Standing.UNHEALTHY
    return Standing.DEGRADED if view.quality < DEGRADED_BELOW else Standing.HEALTHY


def expected_time_s(view: View, demand: Demand) -> float:
    """E[time] = first token + tokens x time of each, longer with more in flight than it bears."""
    first = view.first_token_s
    if demand.sticky is view.candidate:
        first *= 1.0 - _CACHED_FIRST_TOKEN * demand.sticky_share
    crowd = (view.in_flight + 1) / view.limit
    return (first + demand.output_tokens * view.token_s) * max(1.0, crowd)


def expected_cost(view: View, demand: Demand) -> int | None:
    """Nano-USD, None where no price is known."""
    candidate = view.candidate
    if candidate.price is None:
        return None
    cached = 0
    if demand.sticky is candidate:
        cached = int(demand.sticky_share * demand.prompt_tokens)
    return expected_nano_usd(candidate.price, demand.prompt_tokens, demand.output_tokens, cached)


class _Seen(NamedTuple):
    """What a policy looks at. `turn` counts requests."""

    policy: Policy
    views: Sequence[View]
    demand: Demand
    turn: int


def scores(policy: Policy, views: Sequence[View], demand: Demand, turn: int = 0) -> list[Scored]:
    """A score for each of `views`, the higher the better. `turn` counts requests (round robin)."""
    return _SCORES[policy.name](_Seen(policy, views, demand, turn))


def term_names(policy: Policy) -> tuple[str, ...]:
    return _TERM_NAMES[policy.name]


def _composite(seen: _Seen) -> list[Scored]:
    policy, demand = seen.policy, seen.demand
    times = [expected_time_s(view, demand) for view in seen.views]
    best = min(times, default=0.0)
    scored: list[Scored] = []
    for view, time_s in zip(seen.views, times, strict=True):
        success = policy.success_weight * view.quality
        time = policy.time_weight * best / time_s if time_s > 0 else policy.time_weight
        health = policy.health_weight * HEALTH[standing(view)]
        affinity = 0.0
        if demand.sticky is view.candidate:
            affinity = _AFFINITY_WEIGHT * demand.sticky_share
        scored.append((success + time + health + affinity, (success, time, health, affinity)))
    return scored


def _utility(seen: _Seen) -> list[Scored]:
    policy, demand = seen.policy, seen.demand
    costs = [expected_cost(view, demand) for view in seen.views]
    # Unknown is never free: it counts as the dearest that is known.
    dearest = max((cost for cost in costs if cost is not None), default=1)
    scored: list[Scored] = []
    for view, cost in zip(seen.views, costs, strict=True):
        time = -policy.log_time * math.log(max(expected_time_s(view, demand), _TINY))
        price = 0.0
        if policy.log_cost:
            price = -policy.log_cost * math.log(max(dearest if cost is None else cost, 1))
        sure = policy.log_quality * math.log(max(view.quality, _TINY))
        scored.append((time + price + sure, (time, price, sure)))
    return scored


def _plain(score: float) -> Scored:
    return score, (score,)


_SCORES: dict[PolicyName, Callable[[_Seen], list[Scored]]] = {
    PolicyName.COMPOSITE: _composite,
    PolicyName.LATENCY: _utility,
    PolicyName.COST: _utility,
    PolicyName.RELIABILITY: _utility,
    PolicyName.WEIGHTED: lambda seen: [_plain(v.candidate.weight) for v in seen.views],
    PolicyName.PRIORITY: lambda seen: [_plain(0.0 - v.candidate.priority) for v in seen.views],
    PolicyName.ROUND_ROBIN: lambda seen: [
        _plain(0.0 - (place - seen.turn) % len(seen.views)) for place in range(len(seen.views))
    ],
    PolicyName.LEAST_IN_FLIGHT: lambda seen: [_plain(0.0 - v.in_flight) for v in seen.views],
}
_UTILITY_TERMS = ("time", "cost", "quality")
_TERM_NAMES = {
    PolicyName.COMPOSITE: ("success", "time", "health", "affinity"),
    PolicyName.LATENCY: _UTILITY_TERMS,
    PolicyName.COST: _UTILITY_TERMS,
    PolicyName.RELIABILITY: _UTILITY_TERMS,
    PolicyName.WEIGHTED: ("weight",),
    PolicyName.PRIORITY: ("priority",),
    PolicyName.ROUND_ROBIN: ("turn",),
    PolicyName.LEAST_IN_FLIGHT: ("in_flight",),
}

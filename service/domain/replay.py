"""What another policy would have given, from logged decisions. Pure; reads no file.

A request that was routed to a candidate with probability p, and would have been with probability q
by the other policy, stands for q / p requests. Only the first pick is replayed: snapshots are as
the logged policy left them, and a change of load, of caches or of circuits that the other policy
would have brought about is not foreseen. The intervals tell how far the draws of these requests may
mislead; they do not promise that next week is like this one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.attempt import Outcome
from service.domain.breaker import Circuit
from service.domain.estimation import Comparison, compared, effective_size
from service.domain.logged import Logged, Result
from service.domain.routing import pick_shares
from service.domain.scoring import Policy, PolicyName, scores

WEIGHT_MAX = 100.0
"""A floor of 1 % makes no request stand for more."""
EFFECTIVE_SIZE_MIN = 100.0
UNSEEN_MAX = 0.01
_WEIGHT_ERRORS_MAX = 4.0
_ROUNDING = 1e-9


class Measure(NamedTuple):
    """Something to estimate. `value` is None where a result says nothing about it."""

    name: str
    value: Callable[[Result], float | None]
    share: bool = False


def _succeeded(result: Result) -> float | None:
    return None if result.outcome is Outcome.CANCELLED else float(result.outcome is Outcome.OK)


def _cancelled(result: Result) -> float:
    return float(result.outcome is Outcome.CANCELLED)


def _time_s(result: Result) -> float | None:
    return result.duration_s if result.outcome is Outcome.OK else None


def _cost(result: Result) -> float | None:
    return result.cost_nano_usd


MEASURES = (
    Measure("success", _succeeded, share=True),
    Measure("cancelled", _cancelled, share=True),
    Measure("time_s", _time_s),
    Measure("cost_nano_usd", _cost),
)
"""Of first attempts: who left early says nothing of success, who failed nothing of the time."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What came out. `first_s` and `last_s` are of the epoch; `comparisons` go by measure.

    `diverted_count` first attempts went to another than the pick, which had no room. `unseen` is
    the share of first picks of the other policy that the logged one never makes.
    """

    policy: Policy
    count: int
    policies: Counter[PolicyName]
    first_s: float
    last_s: float
    diverted_count: int
    comparisons: dict[str, Comparison | None]
    effective_size: float
    weight_mean: float
    weight_error: float
    weight_most: float
    weight_max: float
    clipped_count: int
    unseen: float

    @property
    def warnings(self) -> list[str]:
        """Why the estimates may not be worth much."""
        found: list[str] = []
        name = self.policy.name.value
        if self.effective_size < EFFECTIVE_SIZE_MIN:
            found.append(
                f"the effective sample size is {self.effective_size:.0f}, below"
                f" {EFFECTIVE_SIZE_MIN:.0f}: too little to tell"
            )
        if self.clipped_count:
            found.append(
                f"{self.clipped_count:,} weights were cut to {self.weight_max:g}, which makes"
                f" {name} look more like the logged policy than it is"
            )
        if self.unseen > UNSEEN_MAX:
            found.append(
                f"{self.unseen:.1%} of the first picks of {name} are of candidates that the logged"
                " policy never picks first: nothing is known of those"
            )
        expected = 1.0 - self.unseen
        if abs(self.weight_mean - expected) > _WEIGHT_ERRORS_MAX * self.weight_error:
            found.append(
                f"the weights average {self.weight_mean:.3f} where {expected:.3f} is expected:"
                " too little to tell, or the picks were not drawn as logged"
            )
        return found


def chances(logged: Logged, policy: Policy) -> list[float]:
    """With which probability `policy` picks each of `logged.first_tier` first."""
    if policy.name is not PolicyName.ROUND_ROBIN:
        return chances_at(logged, policy, 0)
    # Whose turn it is has nothing to do with the request: any turn is as likely.
    count = len(logged.first_tier)
    turns = [chances_at(logged, policy, turn) for turn in range(count)]
    return [sum(column) / count for column in zip(*turns, strict=True)]


def chances_at(logged: Logged, policy: Policy, turn: int) -> list[float]:
    """The same where the turn is known."""
    tier = [logged.considered[place].view for place in logged.first_tier]
    found = [score for score, _ in scores(policy, tier, logged.demand, turn)]
    if not logged.trial:
        return pick_shares(policy, found, [view.ramp for view in tier])
    # Whatever the policy: the one that it likes best of those that are half-open is tried.
    back = [place for place, view in enumerate(tier) if view.circuit is Circuit.HALF_OPEN]
    first = max(back, key=found.__getitem__)
    return [float(place == first) for place in range(len(tier))]


def logged_chances(logged: Logged) -> list[float]:
    """With which probability each of `logged.first_tier` was picked first."""
    if logged.policy.name is PolicyName.ROUND_ROBIN:
        return chances(logged, logged.policy)
    return [logged.considered[place].share for place in logged.first_tier]


def replay(found: Iterable[Logged], policy: Policy, weight_max: float = WEIGHT_MAX) -> Replay:
    """Estimates what `policy` would have given. Weights above `weight_max` are cut to it."""
    weights: list[float] = []
    results: list[Result] = []
    policies: Counter[PolicyName] = Counter()
    first_s, last_s = math.inf, -math.inf
    unseen, diverted_count = 0.0, 0
    for one in found:
        theirs, ours = chances(one, policy), logged_chances(one)
        at = one.first_tier.index(one.chosen)
        weights.append(theirs[at] / ours[at])
        unseen += sum(p for p, q in zip(theirs, ours, strict=True) if q <= 0.0)
        results.append(one.result)
        policies[one.policy.name] += 1
        first_s, last_s = min(first_s, one.time_s), max(last_s, one.time_s)
        diverted_count += one.result.asked != one.chosen
    clipped = [min(weight, weight_max) for weight in weights]
    return Replay(
        policy,
        len(results),
        policies,
        first_s,
        last_s,
        diverted_count,
        {measure.name: _compared(measure, results, clipped) for measure in MEASURES},
        effective_size(clipped),
        *_mean_and_error(weights),
        max(weights, default=0.0),
        weight_max,
        sum(weight > weight_max for weight in weights),
        unseen / max(1, len(results)),
    )


def _compared(
    measure: Measure, results: Sequence[Result], weights: Sequence[float]
) -> Comparison | None:
    values = [measure.value(result) for result in results]
    return compared(values, weights, share=measure.share)


def _mean_and_error(weights: Sequence[float]) -> tuple[float, float]:
    """The mean, and the standard deviation that it has by chance."""
    count = max(1, len(weights))
    mean = sum(weights) / count
    variance = sum((weight - mean) ** 2 for weight in weights) / count
    return mean, math.sqrt(variance / count) + _ROUNDING

"""A world in which it is known how every candidate really does: for the tests of replays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

from service.domain.attempt import Outcome
from service.domain.candidate import Candidate
from service.domain.logged import Considered, Logged, Result
from service.domain.pricing import Price
from service.domain.provider import ModelRef
from service.domain.replay import chances
from service.domain.routing import picked
from service.domain.scoring import (
    POLICIES,
    POLICY_VERSION,
    Demand,
    Policy,
    PolicyName,
    View,
    expected_cost,
)

COMPOSITE = POLICIES[PolicyName.COMPOSITE]
_PRICES = (Price(2_500_000_000, 10_000_000_000), Price(150_000_000, 600_000_000), None)
_CANCELLED = 0.02


class Moment(NamedTuple):
    """A snapshot, and how each candidate really does in it: P(success), mean seconds."""

    logged: Logged
    truth: tuple[tuple[float, float], ...]


def moment(rng: Random, policy: Policy = COMPOSITE) -> Moment:
    """What is known is near the truth, as it is on a scoreboard."""
    truth = tuple((rng.uniform(0.6, 1.0), rng.uniform(0.5, 3.0)) for _ in _PRICES)
    views = [
        View(
            Candidate(ModelRef(f"p{place}", "m"), "m", price=price, weight=place + 1.0),
            min(1.0, success + rng.uniform(-0.05, 0.05)),
            time_s / 2 * rng.uniform(0.9, 1.1),
            time_s / 2 / 256,
            in_flight=rng.randrange(3),
            known=True,
        )
        for place, (price, (success, time_s)) in enumerate(zip(_PRICES, truth, strict=True))
    ]
    return Moment(decision(*views, policy=policy, demand=Demand(rng.randrange(100, 5000))), truth)


def decision(
    *views: View, policy: Policy = COMPOSITE, demand: Demand = Demand(), trial: bool = False
) -> Logged:
    """One that nobody has been picked for; see `picking`."""
    bare = Logged(
        1e9,
        "r-1",
        "t",
        "m",
        policy,
        POLICY_VERSION,
        demand,
        0.0,
        trial,
        1.0,
        tuple(Considered(view) for view in views),
        tuple(range(len(views))),
        chosen=0,
        result=Result(0, Outcome.OK),
    )
    shares = chances(bare, policy)
    considered = (Considered(view, share=p) for view, p in zip(views, shares, strict=True))
    return replace(bare, considered=tuple(considered))


def picking(logged: Logged, chosen: int, result: Result | None = None) -> Logged:
    share = logged.considered[chosen].share
    result = result or Result(chosen, Outcome.OK, duration_s=1.0)
    return replace(logged, chosen=chosen, propensity=share, result=result)


def lived(rng: Random, moments: Sequence[Moment], count: int) -> Iterator[Logged]:
    """Decisions as they happen: a moment, a pick by its shares, and what came of it."""
    for _ in range(count):
        logged, truth = rng.choice(moments)
        chosen = picked([one.share for one in logged.considered], rng.random())
        success, time_s = truth[chosen]
        outcome = Outcome.OK if rng.random() < success else Outcome.FAILED
        if rng.random() < _CANCELLED:
            outcome = Outcome.CANCELLED
        cost = expected_cost(logged.considered[chosen].view, logged.demand)
        duration_s = rng.expovariate(1 / time_s)
        yield picking(logged, chosen, Result(chosen, outcome, "", duration_s, cost_nano_usd=cost))


def truth(moments: Sequence[Moment], policy: Policy) -> dict[str, float]:
    """What `policy` gives in these moments, with no chance left in it."""
    success = time_s = cost = priced = 0.0
    for logged, real in moments:
        for p, considered, (good, mean_s) in zip(
            chances(logged, policy), logged.considered, real, strict=True
        ):
            success += p * good
            time_s += p * good * mean_s
            price = expected_cost(considered.view, logged.demand)
            if price is not None:
                priced += p
                cost += p * price
    return {
        "success": success / len(moments),
        "cancelled": _CANCELLED,
        "time_s": time_s / success,
        "cost_nano_usd": cost / priced,
    }

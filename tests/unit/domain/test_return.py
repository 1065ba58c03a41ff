"""How those come back who were left alone: trials, and panic when too many are gone."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.breaker import Circuit, Trip
from service.domain.routing import Plan, RouteRequest, plan_route
from service.domain.scoring import POLICIES, PolicyName, View
from service.domain.wishes import Bounds, RouteWish
from tests.unit.domain.views import candidate, left_out, order, view

NOW = 100.0
BY_PRIORITY = Bounds(POLICIES[PolicyName.PRIORITY])


def request_of(
    bounds: Bounds = BY_PRIORITY, wish: RouteWish = RouteWish(), *, failover: bool = True
) -> RouteRequest:
    return RouteRequest(wish=wish, bounds=bounds, failover=failover)


def planned(*views: View, draw: float = 0.0, **request: Any) -> Plan:
    return plan_route(request_of(**request), views, NOW, draw)


def back(name: str, **seen: Any) -> View:
    """One that was ejected, and whose time is over."""
    return view(candidate(name, priority=200), circuit=Circuit.HALF_OPEN, **seen)


def ejected(name: str, trip: Trip = Trip.SHARE, **seen: Any) -> View:
    return view(name, circuit=Circuit.OPEN, trip=trip, circuit_until=105.0, **seen)


def test_a_trial_goes_first() -> None:
    """One live request finds out whether somebody is back; the others cover for it."""
    plan = planned(view("a"), back("b"), view("c"))

    assert ["b", "a", "c"] == order(plan)
    assert (True, 1.0) == (plan.trial, plan.propensity)
    assert [1.0, 0.0, 0.0] == [ranked.share for ranked in plan.ranked]


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_nothing_is_drawn_for_a_trial(draw: float) -> None:
    """The draw has no part in a trial."""
    assert ["b", "a"] == order(planned(view("a"), back("b"), draw=draw))


def test_the_best_of_those_that_are_back() -> None:
    """Of several that are back the best is tried first; the next has the place of its score."""
    bounds = Bounds(POLICIES[PolicyName.COMPOSITE])
    views = [back("a", quality=0.5), view("b"), back("c", quality=0.7)]

    plan = planned(*views, bounds=bounds)

    assert ["c", "b", "a"] == order(plan)
    assert plan.trial


def test_no_trial_without_a_net() -> None:
    """A request that could not fail over is no trial: the picked one is asked."""
    plan = planned(view("a"), back("b"), failover=False)

    assert (["a", "b"], False) == (order(plan), plan.trial)


def test_alone_and_back() -> None:
    """Where nobody else is left, the one that is back is asked, and nobody calls it a trial."""
    plan = planned(back("a"), view("b", quota_until=NOW + 1))

    assert (["a"], False, 1.0) == (order(plan), plan.trial, plan.propensity)


def test_a_fallback_is_a_net() -> None:
    """A fallback covers for a trial as well."""
    plan = planned(back("a"), view(candidate("b", tier=1)))

    assert (["a", "b"], True) == (order(plan), plan.trial)


def test_no_trial_among_fallbacks() -> None:
    """While the asked model answers, no fallback is put to the test."""
    fallbacks = (
        view(candidate("b", tier=1)),
        view(candidate("c", tier=1), circuit=Circuit.HALF_OPEN),
    )

    plan = planned(view("a"), *fallbacks)

    assert ("a", False) == (order(plan)[0], plan.trial)


def test_one_trial_at_a_time() -> None:
    """Where another request is the trial, this one is not."""
    plan = planned(view("a"), back("b", trial=True))

    assert (["a"], {"b": "on_trial"}) == (order(plan), left_out(plan))


@pytest.mark.parametrize(
    ("healthy", "gone", "expected"),
    [("", "ab", "a"), ("c", "ab", "ca"), ("cd", "ab", "cd"), ("cde", "ab", "cde"), ("", "a", "a")],
)
def test_panic(healthy: str, gone: str, expected: str) -> None:
    """With more than half ejected, the least bad of them is tried after all; with half, not."""
    views = [view(name) for name in healthy]
    views += [ejected(name, quality=0.5 if name == "a" else 0.3) for name in gone]

    plan = planned(*views)

    assert set(expected) == set(order(plan))
    assert set(healthy + gone) - set(expected) == set(left_out(plan))


def test_no_panic_for_an_outage() -> None:
    """Whoever failed every time is left alone even then: failing fast serves callers better."""
    plan = planned(ejected("a", Trip.IN_A_ROW), ejected("b", Trip.IN_A_ROW))

    assert ((), {"a": "circuit_open", "b": "circuit_open"}) == (plan.ranked, left_out(plan))


def test_panic_doubts_hearsay() -> None:
    """One of whom only others speak ill is tried."""
    plan = planned(ejected("a", Trip.IN_A_ROW), ejected("b", Trip.PEER))

    assert (["b"], {"a": "circuit_open"}) == (order(plan), left_out(plan))


def test_panic_picks_among_the_flaky() -> None:
    """Only one that still answered at times is tried, though another looks better."""
    plan = planned(ejected("a", Trip.IN_A_ROW, quality=0.9), ejected("b", quality=0.2))

    assert (["b"], {"a": "circuit_open"}) == (order(plan), left_out(plan))


def test_panic_heeds_all_else() -> None:
    """Panic forgives an open circuit, and nothing else."""
    unwanted = RouteWish(excluded_providers=("a",))

    plan = planned(ejected("a"), view("b", quota_until=NOW + 1), wish=unwanted)

    assert {"a": "not_wanted", "b": "quota"} == left_out(plan)

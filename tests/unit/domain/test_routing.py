"""Who may be asked, who not and why, and in which order: tiers, trials, panic."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Circuit, Trip
from service.domain.pricing import Price
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.routing import Plan, RouteRequest, plan_route
from service.domain.scoring import POLICIES, Demand, PolicyName, View
from service.domain.wishes import TRANSIENT, Bounds, Exclusion, RouteWish, Rule
from tests.unit.domain.views import candidate, left_out, order, view

NOW = 100.0
BY_PRIORITY = Bounds(POLICIES[PolicyName.PRIORITY])
TOOLS = frozenset({"tools"})
IMAGES = frozenset({"images"})
PRICE = Price(1_000_000, 1_000_000)


def planned(*views: View, draw: float = 0.0, **request: Any) -> Plan:
    request.setdefault("bounds", BY_PRIORITY)
    return plan_route(RouteRequest(**request), views, NOW, draw)


def wish(**wished: Any) -> dict[str, Any]:
    return {"wish": RouteWish(**wished)}


EXCLUSIONS: list[tuple[Exclusion, View, dict[str, Any]]] = [
    (Exclusion.NOT_WANTED, view(), wish(providers=("b",))),
    (Exclusion.NOT_WANTED, view(), wish(excluded_providers=("a",))),
    (Exclusion.NOT_ALLOWED, view(), {"bounds": Bounds(providers=frozenset({"b"}))}),
    (Exclusion.NOT_ALLOWED, view(), {"bounds": Bounds(excluded_providers=frozenset({"a"}))}),
    (Exclusion.REGION, view(candidate(region="us")), wish(regions=("eu",))),
    (Exclusion.REGION, view(), wish(regions=("eu",))),
    (Exclusion.REGION, view(candidate(region="us")), {"bounds": Bounds(regions=frozenset({"eu"}))}),
    (
        Exclusion.CAPABILITY,
        view(candidate(capabilities=IMAGES, declared=True)),
        {"needs": TOOLS},
    ),
    (Exclusion.CAPABILITY, view(candidate(capabilities=IMAGES)), {"needs": TOOLS}),
    (
        Exclusion.CONTEXT_WINDOW,
        view(candidate(context_window_tokens=8000)),
        {"demand": Demand(10_001)},
    ),
    (Exclusion.COST, view(candidate(price=PRICE)), wish(cost_max_nano_usd=255)),
    (Exclusion.COST, view(), wish(cost_max_nano_usd=10**12)),
    (Exclusion.CIRCUIT_OPEN, view(circuit=Circuit.OPEN, circuit_until=105.0), {}),
    (Exclusion.ON_TRIAL, view(circuit=Circuit.HALF_OPEN, trial=True), {}),
    (Exclusion.QUOTA, view(quota_until=100.1, quota_reason=ErrorReason.PROVIDER_RATE_LIMITED), {}),
    (Exclusion.DEADLINE, view(floor_s=2.1), {"time_left_s": 2.0}),
]
ADMISSIONS: list[tuple[View, dict[str, Any]]] = [
    (view(), wish(providers=("a", "x"), excluded_providers=("x",))),
    (view(), {"bounds": Bounds(providers=frozenset({"a"}))}),
    (view(candidate(region="eu")), wish(regions=("us", "eu"))),
    (view(candidate(capabilities=TOOLS | IMAGES, declared=True)), {"needs": TOOLS}),
    (view(), {"needs": TOOLS}),
    (view(candidate(capabilities=IMAGES, declared=True)), {}),
    (view(candidate(context_window_tokens=8000)), {"demand": Demand(10_000)}),
    (view(), {"demand": Demand(10**9)}),
    (view(candidate(price=PRICE)), wish(cost_max_nano_usd=256)),
    (view(circuit=Circuit.HALF_OPEN), {}),
    (view(quota_until=100.0), {}),
    (view(floor_s=2.0), {"time_left_s": 2.0}),
    (view(floor_s=1e9), {"time_left_s": math.inf}),
]


def test_every_exclusion_has_its_case() -> None:
    """No reason to leave somebody out is without an example below."""
    assert set(Exclusion) == {why for why, _, _ in EXCLUSIONS}


@pytest.mark.parametrize(("why", "seen", "request_"), EXCLUSIONS)
def test_left_out(why: Exclusion, seen: View, request_: dict[str, Any]) -> None:
    """A candidate that may not be asked says why; somebody else is asked."""
    other = view(
        candidate("b", region="eu", capabilities=TOOLS, price=Price(0, 0), context_window_tokens=0)
    )

    plan = planned(seen, other, **request_)

    assert {"a": why.value} == left_out(plan)
    assert ["b"] == order(plan)


@pytest.mark.parametrize(("seen", "request_"), ADMISSIONS)
def test_let_in(seen: View, request_: dict[str, Any]) -> None:
    """What is unknown, or fits just so, leaves nobody out."""
    assert ["a"] == order(planned(seen, **request_))


def test_when_it_may_change() -> None:
    """What passes says when it does, where that is known."""
    plan = planned(
        view("a", circuit=Circuit.OPEN, circuit_until=105.0),
        view("b", quota_until=130.0),
        view("c", circuit=Circuit.HALF_OPEN, trial=True),
    )

    assert [105.0, 130.0, 0.0] == [out.until for out in plan.excluded]
    assert {out.why for out in plan.excluded} == TRANSIENT


def test_what_is_only_published_never_rules_out_all() -> None:
    """A published list of capabilities may be wrong; the operator's own word is not."""
    published, declared = (
        view(candidate(name, capabilities=IMAGES, declared=name == "b")) for name in "ab"
    )

    plan = planned(published, declared, needs=TOOLS)

    assert ["a"] == order(plan)
    assert {"b": "capability"} == left_out(plan)


def test_what_is_published_still_counts() -> None:
    """Whoever is known to be able to is asked, and nobody else."""
    able = view(candidate("b", capabilities=TOOLS))

    plan = planned(view(candidate(capabilities=IMAGES)), able, needs=TOOLS)

    assert ["b"] == order(plan)
    assert {"a": "capability"} == left_out(plan)


@given(st.lists(st.sampled_from([TOOLS, IMAGES, frozenset[str]()]), min_size=1, max_size=5))
def test_somebody_is_always_asked(published: list[frozenset[str]]) -> None:
    """Whatever is published, and whatever a request needs, somebody healthy is asked."""
    views = [view(candidate(str(n), capabilities=can)) for n, can in enumerate(published)]

    assert planned(*views, needs=frozenset({"json_schema", "tools"})).ranked


def test_what_passes_is_told_of_those_too() -> None:
    """Where nobody else is left, one whose circuit is open is left out for that."""
    lacks = candidate(capabilities=IMAGES)
    gone = view(lacks, circuit=Circuit.OPEN, trip=Trip.IN_A_ROW, circuit_until=105.0)
    flaky = view(lacks, circuit=Circuit.OPEN, trip=Trip.SHARE, circuit_until=105.0)

    assert {"a": "circuit_open"} == left_out(planned(gone, needs=TOOLS))
    assert ["a"] == order(planned(flaky, needs=TOOLS))


def test_nobody() -> None:
    """A plan may leave nobody: then nothing is its propensity, and it says why."""
    plan = planned(view(quota_until=130.0))

    assert ((), 0.0) == (plan.ranked, plan.propensity)
    assert "<Plan [nobody | a/m: quota]>" == repr(plan)
    assert () == planned().ranked


def test_fallbacks_come_last() -> None:
    """However well a fallback does, it follows all of the model that was asked for."""
    tiers = [
        view(candidate("a", tier=1, priority=1)),
        view(candidate("b", tier=0, priority=9)),
        view(candidate("c", tier=2, priority=0)),
        view(candidate("d", tier=0, priority=8)),
        view(candidate("e", tier=1, priority=0)),
    ]

    plan = planned(*tiers)

    assert ["d", "b", "e", "a", "c"] == order(plan)
    assert [1.0, 0.0, 0.0, 0.0, 0.0] == [ranked.share for ranked in plan.ranked]


def test_a_fallback_takes_over() -> None:
    """Where nobody of the asked model is left, the first fallback is drawn from."""
    plan = planned(
        view(candidate("a", tier=0), quota_until=130.0),
        view(candidate("b", tier=1, weight=1.0)),
        view(candidate("c", tier=1, weight=3.0)),
        bounds=Bounds(POLICIES[PolicyName.WEIGHTED]),
    )

    assert {"b": 0.25, "c": 0.75} == {r.candidate.target.provider: r.share for r in plan.ranked}


def test_a_plan_is_a_line() -> None:
    """A plan reads as one line: who is tried in which order, who not, and why."""
    plan = planned(
        view(candidate("b", priority=20)), view(candidate("a", priority=10)), view(quota_until=200)
    )

    assert "<Plan [a/m -10.00 > b/m -20.00 | a/m: quota]>" == repr(plan)


@pytest.mark.parametrize(
    ("rule", "model", "tenant", "expected"),
    [
        (Rule(BY_PRIORITY), "any", "any", True),
        (Rule(BY_PRIORITY, models=("gpt-*", "o1")), "gpt-4o", "any", True),
        (Rule(BY_PRIORITY, models=("gpt-*", "o1")), "o1", "any", True),
        (Rule(BY_PRIORITY, models=("gpt-*", "o1")), "o1-mini", "any", False),
        (Rule(BY_PRIORITY, models=("gpt-*",)), "GPT-4o", "any", False),
        (Rule(BY_PRIORITY, tenants=frozenset({"t"})), "any", "t", True),
        (Rule(BY_PRIORITY, tenants=frozenset({"t"})), "any", "u", False),
        (Rule(BY_PRIORITY, ("o1",), frozenset({"t"})), "o1", "u", False),
    ],
)
def test_rules(rule: Rule, model: str, tenant: str, *, expected: bool) -> None:
    """A rule holds for its models and its tenants; naming none means all."""
    assert expected is rule.holds(model, tenant)


def test_a_target_names_its_deployment() -> None:
    """Two deployments of a provider are told apart by name."""
    assert "p@eu/m" == str(ModelRef("p", "m", "eu"))

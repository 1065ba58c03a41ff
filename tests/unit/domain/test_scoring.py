"""How good a candidate looks under each policy, and the terms that a score is the sum of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Circuit
from service.domain.pricing import Price
from service.domain.scoring import (
    HEALTH,
    POLICIES,
    Demand,
    Policy,
    PolicyName,
    Standing,
    View,
    expected_cost,
    expected_time_s,
    scores,
    standing,
    term_names,
)
from tests.unit.domain.views import candidate, view

COMPOSITE = POLICIES[PolicyName.COMPOSITE]
UTILITIES = [
    POLICIES[name] for name in (PolicyName.LATENCY, PolicyName.COST, PolicyName.RELIABILITY)
]
prices = st.none() | st.builds(Price, *[st.integers(1, 10**11)] * 2)
candidates = st.builds(candidate, st.sampled_from("abcd"), weight=st.floats(0.1, 9), price=prices)
views = st.builds(
    View,
    candidates,
    quality=st.floats(0.01, 0.999),
    first_token_s=st.floats(0, 30),
    token_s=st.floats(0, 1),
    in_flight=st.integers(0, 50),
    limit=st.just(math.inf) | st.integers(1, 60).map(float),
    circuit=st.sampled_from(Circuit),
    known=st.booleans(),
)
groups = st.lists(views, min_size=1, max_size=6)
demands = st.builds(Demand, st.integers(0, 100_000), st.integers(0, 10_000))


def of(policy: Policy, *views: View, demand: Demand = Demand(), turn: int = 0) -> list[float]:
    return [score for score, _ in scores(policy, views, demand, turn)]


def terms(policy: Policy, *views: View, demand: Demand = Demand()) -> list[dict[str, float]]:
    found = scores(policy, views, demand)
    return [dict(zip(term_names(policy), parts, strict=True)) for _, parts in found]


def test_every_standing_has_a_health() -> None:
    """No word for how a candidate does is without its number, and a better word never has less."""
    better_first = [Standing.HEALTHY, Standing.UNKNOWN, Standing.DEGRADED, Standing.UNHEALTHY]

    assert set(Standing) == set(HEALTH)
    assert sorted(HEALTH.values(), reverse=True) == [HEALTH[word] for word in better_first]
    assert (1.0, 0.0) == (HEALTH[Standing.HEALTHY], HEALTH[Standing.UNHEALTHY])


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"known": True, "quality": 0.8}, Standing.HEALTHY),
        ({"known": True, "quality": 0.79}, Standing.DEGRADED),
        ({"known": True, "quality": 0.4}, Standing.DEGRADED),
        ({"known": True, "quality": 0.39}, Standing.UNHEALTHY),
        ({"known": False, "quality": 0.1}, Standing.UNKNOWN),
        ({"circuit": Circuit.HALF_OPEN, "quality": 0.99}, Standing.DEGRADED),
        ({"circuit": Circuit.OPEN, "known": True, "quality": 0.99}, Standing.UNHEALTHY),
    ],
)
def test_standing(seen: dict[str, Any], expected: Standing) -> None:
    """The circuit speaks first, then the share of successes; who was not asked is unknown."""
    assert expected is standing(view(**seen))


def test_the_overviews_weights() -> None:
    """The fastest, with nothing but successes, scores 1: 40 % success, 30 % time, 30 % health."""
    best = view("a", quality=1.0, first_token_s=1.0, token_s=0.0, known=True)
    slow = view("b", quality=0.5, first_token_s=4.0, token_s=0.0, known=True)

    assert pytest.approx([1.0, 0.2 + 0.075 + 0.15]) == of(COMPOSITE, best, slow)
    assert [
        pytest.approx({"success": 0.4, "time": 0.3, "health": 0.3, "affinity": 0.0}),
        pytest.approx({"success": 0.2, "time": 0.075, "health": 0.15, "affinity": 0.0}),
    ] == terms(COMPOSITE, best, slow)


def test_weights_are_configurable() -> None:
    """The three weights are the policy's own."""
    policy = replace(COMPOSITE, success_weight=1.0, time_weight=10.0, health_weight=100.0)

    assert pytest.approx([111.0]) == of(policy, view(quality=1.0, known=True))


def test_no_time_at_all() -> None:
    """A candidate that is expected to take no time has the whole term of time."""
    at_once = view("a", first_token_s=0.0, token_s=0.0)

    assert [0.3, 0.0] == [term["time"] for term in terms(COMPOSITE, at_once, view("b"))]


def test_who_knows_the_conversation() -> None:
    """Who answered before is preferred by the share of the prompt that it has in its cache."""
    a, b = view("a"), view("b")
    demand = Demand(2000, 100, a.candidate, 0.5)

    assert [0.03, 0.0] == [term["affinity"] for term in terms(COMPOSITE, a, b, demand=demand)]
    assert pytest.approx(0.45 + 1.5) == expected_time_s(a, demand)
    assert pytest.approx(0.6 + 1.5) == expected_time_s(b, demand)


def test_a_crowd_takes_longer() -> None:
    """Below its limit a candidate is not slower; above it, in proportion to the crowd."""
    seen: dict[str, Any] = {"first_token_s": 1.0, "token_s": 0.0, "limit": 4.0}
    times = [expected_time_s(view(in_flight=count, **seen), Demand()) for count in (0, 3, 4, 7)]

    assert [1.0, 1.0, 1.25, 2.0] == times
    assert 1.0 == expected_time_s(view(in_flight=9999, first_token_s=1.0, token_s=0.0), Demand())


def test_cost_counts_the_cache() -> None:
    """The part of a prompt that is likely in the cache is priced as such; no price, no cost."""
    cheap = view(candidate(price=Price(1_000_000, 2_000_000, 500_000)))

    assert 1000 + 2 * 100 == expected_cost(cheap, Demand(1000, 100))
    assert 750 + 2 * 100 == expected_cost(cheap, Demand(1000, 100, cheap.candidate, 0.5))
    assert expected_cost(view(), Demand(1000, 100)) is None


@pytest.mark.parametrize("policy", UTILITIES, ids=lambda policy: policy.name.value)
def test_utility(policy: Policy) -> None:
    """U = - ln E[time] - a ln E[cost] + b ln q, each part weighed by the policy."""
    price = Price(1_000_000, 1_000_000)
    one = view(candidate(price=price), quality=0.5, first_token_s=2.0, token_s=0.01)

    (found,) = terms(policy, one, demand=Demand(700, 300))

    assert pytest.approx(-policy.log_time * math.log(5.0)) == found["time"]
    assert pytest.approx(-policy.log_cost * math.log(1000)) == found["cost"]
    assert pytest.approx(policy.log_quality * math.log(0.5)) == found["quality"]


def test_an_unknown_price_is_the_dearest() -> None:
    """What is not known to cost anything is never taken for cheap."""
    cost = POLICIES[PolicyName.COST]
    cheap, dear = (
        view(candidate(name, price=Price(p, p))) for name, p in (("a", 10**6), ("b", 10**9))
    )

    found = [term["cost"] for term in terms(cost, cheap, dear, view("c"), demand=Demand(100, 100))]

    assert found[2] == found[1] < found[0]
    assert 0.0 == terms(cost, view("c"), demand=Demand(100, 100))[0]["cost"]


@pytest.mark.parametrize(
    ("name", "worse", "better"),
    [
        (PolicyName.COMPOSITE, {"quality": 0.5}, {"quality": 0.9}),
        (PolicyName.LATENCY, {"first_token_s": 2.0}, {"first_token_s": 1.0}),
        (PolicyName.LATENCY, {"first_token_s": 0.1, "token_s": 0.1}, {"token_s": 0.01}),
        (PolicyName.RELIABILITY, {"quality": 0.9}, {"quality": 0.99, "first_token_s": 1.5}),
        (PolicyName.LEAST_IN_FLIGHT, {"in_flight": 3}, {"in_flight": 2, "quality": 0.1}),
    ],
)
def test_what_a_policy_prefers(
    name: PolicyName, worse: dict[str, Any], better: dict[str, Any]
) -> None:
    """Each policy puts first what it is named for."""
    low, high = of(POLICIES[name], view("a", **worse), view("b", **better))

    assert low < high


def test_what_the_operator_prefers() -> None:
    """`priority` puts the lowest number first, `weighted` scores by weight, `cost` by price."""
    dear = view(candidate("a", priority=20, weight=3.0, price=Price(10**9, 10**9)))
    cheap = view(candidate("b", priority=10, weight=1.0, price=Price(10**8, 10**8)), token_s=0.05)

    assert [-20.0, -10.0] == of(POLICIES[PolicyName.PRIORITY], dear, cheap)
    assert [3.0, 1.0] == of(POLICIES[PolicyName.WEIGHTED], dear, cheap)
    low, high = of(POLICIES[PolicyName.COST], dear, cheap)
    assert low < high


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_round_robin(count: int, turn: int) -> None:
    """In as many turns as there are candidates everyone is first once, one after the other."""
    group = [view(str(place)) for place in range(count)]
    firsts: list[int] = []
    for later in range(count):
        found = of(POLICIES[PolicyName.ROUND_ROBIN], *group, turn=turn + later)
        firsts.append(found.index(max(found)))

    assert [(turn + later) % count for later in range(count)] == firsts


@given(st.sampled_from(list(POLICIES.values())), groups, demands, st.integers(0, 100))
def test_a_score_is_the_sum_of_its_terms(
    policy: Policy, group: list[View], demand: Demand, turn: int
) -> None:
    """Every score is explained: by as many terms as have names, and they sum to it."""
    found = scores(policy, group, demand, turn)

    assert len(group) == len(found)
    for score, parts in found:
        assert len(term_names(policy)) == len(parts)
        assert pytest.approx(math.fsum(parts), abs=1e-9) == score
        assert math.isfinite(score)


@given(st.sampled_from([COMPOSITE, *UTILITIES]), groups, demands, st.floats(0, 1), st.floats(0, 9))
def test_better_is_never_worse(
    policy: Policy, group: list[View], demand: Demand, better: float, slower_s: float
) -> None:
    """More successes never lower a score, and neither a slower start nor an opening raises it."""
    first, *others = group
    before = of(policy, *group, demand=demand)[0]
    quality = first.quality + (1.0 - first.quality) * better

    surer = of(policy, first._replace(quality=quality), *others, demand=demand)[0]
    slower = first._replace(first_token_s=first.first_token_s + slower_s)
    ill = of(policy, first._replace(circuit=Circuit.OPEN), *others, demand=demand)[0]

    assert before <= surer + 1e-9
    assert of(policy, slower, *others, demand=demand)[0] <= before + 1e-9
    assert ill <= before + 1e-9


def test_every_policy_is_there() -> None:
    """Each name has a policy of that name."""
    assert {name: name for name in PolicyName} == {name: p.name for name, p in POLICIES.items()}

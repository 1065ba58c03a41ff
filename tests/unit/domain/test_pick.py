"""How chance picks the first: shares, the draw that falls on them, and what is seen of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Circuit, Trip
from service.domain.pricing import Price
from service.domain.routing import RouteRequest, pick_shares, picked, plan_route
from service.domain.scoring import POLICIES, Demand, Policy, PolicyName, View, scores
from service.domain.wishes import Bounds
from tests.unit.domain.views import candidate, view

NOW = 100.0
SOFTMAX = [
    POLICIES[name]
    for name in (
        PolicyName.COMPOSITE,
        PolicyName.LATENCY,
        PolicyName.COST,
        PolicyName.RELIABILITY,
    )
]
policies = st.sampled_from(list(POLICIES.values()))
softmaxes = st.sampled_from(SOFTMAX)
values = st.lists(st.floats(0, 50), min_size=1, max_size=12)
draws = st.floats(0, 1, exclude_max=True)


def full(values: Sequence[float]) -> list[float]:
    """Nobody is in slow start."""
    return [1.0] * len(values)


@given(policies, values, st.data())
def test_shares_are_probabilities(policy: Policy, values: list[float], data: st.DataObject) -> None:
    """The shares are between 0 and 1 and sum to 1, slow start or not."""
    ramps = data.draw(st.lists(st.floats(0.1, 1), min_size=len(values), max_size=len(values)))

    shares = pick_shares(policy, values, ramps)

    assert len(values) == len(shares)
    assert pytest.approx(1.0) == math.fsum(shares)
    assert all(0.0 <= share <= 1.0 for share in shares)


@given(softmaxes, values)
def test_everyone_is_tried_at_times(policy: Policy, values: list[float]) -> None:
    """However bad a candidate looks, one request in a hundred goes there first, or its due part."""
    least = min(0.01, 0.1 / len(values))

    assert all(share >= least * (1 - 1e-9) for share in pick_shares(policy, values, full(values)))


def test_many_hopeless_ones_take_little() -> None:
    """However many are tried at times, together they take a tenth of the requests at most."""
    best, *others = pick_shares(SOFTMAX[0], [50.0] + [0.0] * 39, [1.0] * 40)

    assert pytest.approx(1.0 - 39 * 0.1 / 40) == best
    assert pytest.approx([0.1 / 40] * 39) == others


@given(softmaxes, values)
def test_the_better_the_likelier(policy: Policy, values: list[float]) -> None:
    """A higher score never has a smaller share."""
    shares = pick_shares(policy, values, full(values))

    in_order = [share for _, share in sorted(zip(values, shares, strict=True))]
    assert all(low <= high + 1e-12 for low, high in pairwise(in_order))


@pytest.mark.parametrize("policy", SOFTMAX, ids=lambda policy: policy.name.value)
def test_the_temperature(policy: Policy) -> None:
    """For each temperature that a score is lower, its share above the floor falls by e."""
    best, next_, third = (
        share - 0.01
        for share in pick_shares(
            policy, [1.0, 1.0 - policy.temperature, 1.0 - 2 * policy.temperature], [1.0] * 3
        )
    )

    assert pytest.approx(math.e) == best / next_
    assert pytest.approx(math.e) == next_ / third


@given(
    softmaxes, st.lists(st.floats(0, 0.1), min_size=2, max_size=8), st.floats(0.1, 0.99), st.data()
)
def test_slow_start(policy: Policy, values: list[float], ramp: float, data: st.DataObject) -> None:
    """Whoever has just come back has a smaller share than usual, and the others no smaller one."""
    back = data.draw(st.integers(0, len(values) - 1))
    usual = pick_shares(policy, values, full(values))

    slow = pick_shares(policy, values, [ramp if at == back else 1.0 for at in range(len(values))])

    assert slow[back] <= usual[back]
    assert all(slow[at] >= usual[at] - 1e-12 for at in range(len(values)) if at != back)
    assert usual[back] < 0.02 or slow[back] < usual[back]


def test_slow_start_is_in_proportion() -> None:
    """Of two that are alike, one in slow start at a tenth gets a tenth as much."""
    fresh, usual = pick_shares(replace(SOFTMAX[0], floor=0.0), [1.0, 1.0], [0.1, 1.0])

    assert pytest.approx(0.1) == fresh / usual


def test_the_other_policies() -> None:
    """`weighted` shares in proportion; the others give all to the best, or to the equally best."""
    values = [1.0, 3.0, 3.0, 1.0]

    def shares(name: PolicyName) -> list[float]:
        return pick_shares(POLICIES[name], values, full(values))

    assert pytest.approx([0.125, 0.375, 0.375, 0.125]) == shares(PolicyName.WEIGHTED)
    assert [0.0, 0.5, 0.5, 0.0] == shares(PolicyName.LEAST_IN_FLIGHT)
    assert [0.0, 1.0, 0.0, 0.0] == shares(PolicyName.PRIORITY)
    assert [0.0, 1.0, 0.0, 0.0] == shares(PolicyName.ROUND_ROBIN)


def test_nobody_weighs_anything() -> None:
    """Where all weights are 0, all are alike; alone, a candidate is certain."""
    assert [0.5, 0.5] == pick_shares(POLICIES[PolicyName.WEIGHTED], [0.0, 0.0], [1.0, 1.0])
    assert [1.0] == pick_shares(POLICIES[PolicyName.WEIGHTED], [0.0], [1.0])


@pytest.mark.parametrize(
    ("draw", "expected"), [(0.0, 0), (0.199, 0), (0.2, 2), (0.499, 2), (0.5, 3), (0.999, 3)]
)
def test_where_a_draw_falls(draw: float, expected: int) -> None:
    """The shares are laid end to end; one that is 0 is never picked."""
    assert expected == picked([0.2, 0.0, 0.3, 0.5], draw)


def test_a_rounding_gap() -> None:
    """Where shares sum to a little less than 1, the gap belongs to the greatest."""
    assert 1 == picked([0.2, 0.7, 0.0999], 0.99995)
    assert 1 == picked([0.0, 1.0], 0.0)


@given(policies, values, draws)
def test_whoever_is_picked_had_a_share(policy: Policy, values: list[float], draw: float) -> None:
    """Nobody is picked who had no chance."""
    shares = pick_shares(policy, values, full(values))

    assert shares[picked(shares, draw)] > 0.0


def some_view(rng: Random, name: str) -> View:
    price = Price(rng.randint(1, 10**10), rng.randint(1, 10**10)) if rng.random() < 0.8 else None
    return View(
        candidate(
            name,
            tier=rng.choice([0, 0, 0, 1]),
            weight=rng.uniform(0.1, 5),
            priority=rng.randint(1, 3),
            price=price,
        ),
        quality=rng.uniform(0.3, 1),
        first_token_s=rng.uniform(0.05, 3),
        token_s=rng.uniform(0.001, 0.05),
        in_flight=rng.randint(0, 4),
        limit=rng.choice([math.inf, 2.0, 5.0]),
        circuit=rng.choices(list(Circuit), [20, 1, 1])[0],
        trip=rng.choice([Trip.SHARE, Trip.IN_A_ROW]),
        ramp=rng.choice([1.0, 1.0, rng.uniform(0.1, 1)]),
        quota_until=NOW + rng.choice([-1.0] * 9 + [1.0]),
        known=rng.random() < 0.8,
    )


def test_a_choice_can_be_made_again() -> None:
    """Of 10,000 plans, each first one follows from terms, scores, shares and the draw."""
    rng = Random(20)
    seen = [[some_view(rng, str(place)) for _ in range(100)] for place in range(6)]
    every_policy = list(POLICIES.values())
    drawn_count = 0
    for number in range(10_000):
        policy = rng.choice(every_policy)
        views = [rng.choice(seen[place]) for place in range(rng.randint(1, 6))]
        sticky = rng.choice([None, views[0].candidate])
        demand = Demand(rng.randint(0, 5000), rng.randint(1, 2000), sticky, 0.7)
        request = RouteRequest(demand, bounds=Bounds(policy))
        plan = plan_route(request, views, NOW, rng.random(), number)
        if not plan.ranked or plan.trial:
            continue
        drawn_count += 1
        tier = plan.ranked[0].candidate.tier
        group = {r.candidate.target: r for r in plan.ranked if r.candidate.tier == tier}
        # One that is tried in panic is laid behind the others.
        laid = [v for v in views if v.candidate.target in group]
        laid.sort(key=lambda v: v.circuit is Circuit.OPEN)
        found = [math.fsum(group[v.candidate.target].terms) for v in laid]
        shares = pick_shares(policy, found, [v.ramp for v in laid])

        first = laid[picked(shares, plan.draw)]
        assert first is plan.ranked[0].view
        assert math.isclose(plan.propensity, shares[laid.index(first)])
        assert [score for score, _ in scores(policy, laid, demand, number)] == [
            group[v.candidate.target].score for v in laid
        ]
        following = [ranked.score for ranked in plan.ranked[1 : len(group)]]
        assert sorted(following, reverse=True) == following
    assert drawn_count > 7_000


@pytest.mark.parametrize(
    "name", [PolicyName.COMPOSITE, PolicyName.LATENCY, PolicyName.WEIGHTED, PolicyName.COST]
)
def test_the_propensity_is_the_frequency(name: PolicyName) -> None:
    """In 10,000 draws each is first as often as its share says (chi-square, p > 0.001)."""
    views = [
        view(candidate("a", weight=5.0, price=Price(10**9, 10**9)), quality=0.90),
        view(candidate("b", weight=3.0, price=Price(11 * 10**8, 10**9)), quality=0.88),
        view(candidate("c", weight=1.5), quality=0.86, ramp=0.3),
        view(candidate("d", weight=0.5, price=Price(10**10, 10**10)), quality=0.30),
    ]
    request = RouteRequest(Demand(1000, 100), bounds=Bounds(POLICIES[name]))
    rng, count = Random(11), 10_000
    firsts: Counter[str] = Counter()
    shares: dict[str, float] = {}
    for _ in range(count):
        plan = plan_route(request, views, NOW, rng.random())
        firsts[plan.ranked[0].candidate.target.provider] += 1
        shares[plan.ranked[0].candidate.target.provider] = plan.propensity

    assert pytest.approx(1.0) == math.fsum(shares.values())
    chi_square = sum(
        (firsts[who] - count * share) ** 2 / (count * share) for who, share in shares.items()
    )
    # Three degrees of freedom.
    assert chi_square < 16.27

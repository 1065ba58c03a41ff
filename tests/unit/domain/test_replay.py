"""What a replay estimates, in a world whose truth is known."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from service.domain.attempt import Outcome
from service.domain.breaker import Circuit
from service.domain.logged import Result
from service.domain.replay import chances, replay
from service.domain.scoring import POLICIES, PolicyName
from tests.unit.domain.replay_world import COMPOSITE, decision, lived, moment, picking, truth
from tests.unit.domain.views import view

LATENCY = POLICIES[PolicyName.LATENCY]
SEEDS = 40
DECISIONS = 1000


def test_intervals_cover_the_truth() -> None:
    """In at least 90 % of worlds the truth lies in the interval, of each measure and difference.

    `tests/soak/test_replay.py` does the same with 20,000 decisions.
    """
    covered: Counter[str] = Counter()
    for seed in range(SEEDS):
        rng = Random(seed)
        moments = [moment(rng) for _ in range(20)]
        told = replay(lived(rng, moments, DECISIONS), LATENCY)
        theirs, ours = truth(moments, LATENCY), truth(moments, COMPOSITE)
        for name, found in told.comparisons.items():
            assert found is not None
            covered[name] += found.weighted.low <= theirs[name] <= found.weighted.high
            covered[f"logged {name}"] += found.plain.low <= ours[name] <= found.plain.high
            difference = theirs[name] - ours[name]
            low, high = found.difference.low, found.difference.high
            covered[f"difference of {name}"] += low <= difference <= high

    assert 12 == len(covered)
    assert {} == {name: count for name, count in covered.items() if count < 0.9 * SEEDS}


def test_estimates_differ_from_what_was_logged() -> None:
    """Where the other policy truly gives something else, the interval of the difference says so."""
    rng = Random(0)
    moments = [moment(rng, POLICIES[PolicyName.WEIGHTED]) for _ in range(20)]
    told = replay(lived(rng, moments, 3000), LATENCY)
    time_s = told.comparisons["time_s"]

    assert time_s is not None
    assert time_s.difference.high < 0
    assert time_s.plain.low > time_s.weighted.high
    assert [] == told.warnings


@pytest.mark.parametrize("name", list(PolicyName))
def test_the_logged_policy_replayed(name: PolicyName) -> None:
    """The policy that made the decisions would have given exactly what it gave."""
    rng = Random(3)
    policy = POLICIES[name]
    told = replay(lived(rng, [moment(rng, policy) for _ in range(5)], 500), policy)

    assert 500 == told.count
    assert pytest.approx(500) == told.effective_size
    assert pytest.approx(1.0) == told.weight_most
    for found in told.comparisons.values():
        assert found is not None
        assert pytest.approx((0.0, 0.0, 0.0), abs=1e-6) == tuple(found.difference)
        assert pytest.approx(tuple(found.plain)) == tuple(found.weighted)


def test_a_single_candidate_is_certain() -> None:
    """With one candidate in the first tier every policy picks it."""
    logged = decision(view("a"))

    assert [[1.0]] * len(PolicyName) == [chances(logged, POLICIES[name]) for name in PolicyName]


def test_a_trial_is_certain() -> None:
    """One that is half-open is tried first by every policy, however bad it looks to it."""
    back = view("b", circuit=Circuit.HALF_OPEN, quality=0.1, first_token_s=9.0, in_flight=5)
    logged = decision(view("a"), back, view("c"), trial=True)
    told = replay([picking(logged, 1)], LATENCY)

    assert [0.0, 1.0, 0.0] == chances(logged, LATENCY)
    assert (1.0, 0.0) == (told.weight_most, told.unseen)


def test_the_best_of_several_trials() -> None:
    """With several half-open, each policy tries the one that it likes best."""
    sure = view("a", circuit=Circuit.HALF_OPEN, quality=0.9, first_token_s=5.0)
    quick = view("b", circuit=Circuit.HALF_OPEN, quality=0.7, first_token_s=0.1)
    logged = decision(sure, quick, view("c"), policy=LATENCY, trial=True)
    told = replay([picking(logged, 1)], POLICIES[PolicyName.RELIABILITY])

    assert [0.0, 1.0, 0.0] == chances(logged, LATENCY)
    assert [1.0, 0.0, 0.0] == chances(logged, POLICIES[PolicyName.RELIABILITY])
    assert (0.0, 1.0) == (told.weight_most, told.unseen)


def test_turns_are_as_good_as_chance() -> None:
    """Whose turn it is has nothing to do with a request: round robin picks all alike."""
    policy = POLICIES[PolicyName.ROUND_ROBIN]
    logged = decision(view("a"), view("b"), policy=policy)
    told = replay([picking(logged, 0), picking(logged, 1)], policy)

    assert [0.5, 0.5] == chances(logged, policy)
    assert (1.0, 0.0) == (told.weight_most, told.unseen)


def test_turns_of_trials() -> None:
    """In turns a half-open one is tried at its own turn, and at those of all before it."""
    back = [view(name, circuit=Circuit.HALF_OPEN) for name in "bd"]
    logged = decision(view("a"), back[0], view("c"), back[1], trial=True)

    assert [0.0, 0.5, 0.0, 0.5] == chances(logged, POLICIES[PolicyName.ROUND_ROBIN])
    later = decision(view("a"), view("b"), *back, trial=True)
    assert [0.0, 0.0, 0.75, 0.25] == chances(later, POLICIES[PolicyName.ROUND_ROBIN])


def test_what_was_never_picked_is_told() -> None:
    """Nothing is known of candidates that the logged policy never picks, and that is said."""
    logged = decision(view("a"), view("b"), policy=POLICIES[PolicyName.PRIORITY])
    told = replay([picking(logged, 0)] * 200, POLICIES[PolicyName.WEIGHTED])

    assert pytest.approx(0.5) == told.unseen
    assert "50.0% of the first picks of weighted" in told.warnings[0]


def test_too_few_are_told() -> None:
    """A small effective sample is no ground for anything, and that is said."""
    told = replay([picking(decision(view("a")), 0)] * 99, LATENCY)

    assert ["the effective sample size is 99, below 100: too little to tell"] == told.warnings


def test_clipped_weights_are_told() -> None:
    """A weight above the limit counts as the limit; how many did is said."""
    slow, quick = view("a", first_token_s=3.0), view("b", first_token_s=0.01)
    logged = decision(slow, quick, policy=POLICIES[PolicyName.WEIGHTED])
    results = [Result(place, Outcome.OK, duration_s=3.0 - 2 * place) for place in (0, 1)]
    picks = [picking(logged, place, results[place]) for place in (0, 1)] * 200
    p_slow, _ = chances(logged, LATENCY)
    free, clipped = replay(picks, LATENCY), replay(picks, LATENCY, weight_max=0.5)

    assert (0, 200) == (free.clipped_count, clipped.clipped_count)
    assert "200 weights were cut to 0.5" in clipped.warnings[0]
    for told, w_quick in ((free, 2 * (1 - p_slow)), (clipped, 0.5)):
        time_s = told.comparisons["time_s"]
        expected_s = (2 * p_slow * 3.0 + w_quick) / (2 * p_slow + w_quick)
        assert time_s is not None
        assert pytest.approx(expected_s) == time_s.weighted.mean


def test_picks_that_were_not_drawn_are_told() -> None:
    """When the picks do not follow the logged shares, the weights give it away."""
    logged = decision(view("a"), view("b"))
    weighted = decision(view("a"), view("b"), policy=POLICIES[PolicyName.WEIGHTED])
    liked = decision(view("a", quality=0.99), view("b", quality=0.8))
    told = replay([picking(liked, 0)] * 300, POLICIES[PolicyName.WEIGHTED])

    assert [] == replay([picking(logged, 0), picking(weighted, 1)] * 300, LATENCY).warnings
    assert "the picks were not drawn as logged" in told.warnings[0]


def test_what_each_measure_counts() -> None:
    """Who left says nothing of success; who failed nothing of the time; no price, no cost."""
    logged = decision(view("a"))
    results = [
        Result(0, Outcome.OK, duration_s=1.0, cost_nano_usd=10),
        Result(0, Outcome.OK, duration_s=2.0, cost_nano_usd=None),
        Result(0, Outcome.FAILED, "PROVIDER_TIMEOUT", duration_s=90.0, cost_nano_usd=30),
        Result(0, Outcome.CANCELLED, duration_s=60.0, cost_nano_usd=50),
    ]
    told = replay([picking(logged, 0, result) for result in results], LATENCY)
    means = {n: found.plain.mean for n, found in told.comparisons.items() if found is not None}

    expected = {"success": 2 / 3, "cancelled": 0.25, "time_s": 1.5, "cost_nano_usd": 30.0}
    assert pytest.approx(expected) == means


def test_turns_that_went_elsewhere_are_counted() -> None:
    """When the pick had no room, what came of the request still counts for the pick."""
    logged = decision(view("a"), view("b"))
    told = replay([picking(logged, 0, Result(1, Outcome.OK)), picking(logged, 0)], COMPOSITE)

    assert (2, 1) == (told.count, told.diverted_count)


def test_nothing_to_replay() -> None:
    """No decision gives no estimate."""
    told = replay([], LATENCY)

    assert 0 == told.count
    assert {None} == set(told.comparisons.values())

"""Replays of 20,000 decisions, in 40 worlds: the truth lies where the intervals say."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from service.domain.replay import replay
from service.domain.scoring import POLICIES, PolicyName
from tests.unit.domain.replay_world import COMPOSITE, lived, moment, truth

SEEDS = 40


@pytest.mark.parametrize(
    ("name", "least"),
    [(PolicyName.LATENCY, 0.9), (PolicyName.WEIGHTED, 0.9), (PolicyName.COST, 0.8)],
)
def test_intervals_cover_the_truth(name: PolicyName, least: float) -> None:
    """Of each measure, and of its difference, at least 90 % of the intervals hold the truth.

    At least 80 % where little is known: `cost` likes those whom `composite` picks once in 100.
    """
    policy = POLICIES[name]
    covered: Counter[str] = Counter()
    for seed in range(SEEDS):
        rng = Random(seed)
        moments = [moment(rng) for _ in range(50)]
        told = replay(lived(rng, moments, 20_000), policy)
        theirs, ours = truth(moments, policy), truth(moments, COMPOSITE)
        for measure, found in told.comparisons.items():
            assert found is not None
            covered[measure] += found.weighted.low <= theirs[measure] <= found.weighted.high
            difference = theirs[measure] - ours[measure]
            low, high = found.difference.low, found.difference.high
            covered[f"difference of {measure}"] += low <= difference <= high
        assert [] == told.warnings

    assert 8 == len(covered)
    assert {} == {measure: n for measure, n in covered.items() if n < least * SEEDS}

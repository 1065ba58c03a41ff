"""Sums and histograms beside the path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.catalogue import ATTEMPTS, HEDGES, TOKEN_USAGE
from service.telemetry.tallies import OVERFLOW, SETS_MAX, Sample, Spread, Tallies, named

BOUNDS = (1.0, 2.0, 5.0)


@given(st.lists(st.floats(0, 10), max_size=40), st.integers(1, 7))
def test_many_at_once_count_as_one_by_one(values: list[float], batch: int) -> None:
    """Each value is in the bucket of the least bound that is not below it, however they came."""
    spread = Spread(BOUNDS)
    for start in range(0, len(values), batch):
        spread.fresh.extend(values[start : start + batch])
        spread.settle()

    limits = [(float("-inf"), 1.0), (1.0, 2.0), (2.0, 5.0), (5.0, float("inf"))]
    assert [sum(low < value <= high for value in values) for low, high in limits] == spread.buckets
    assert len(values) == spread.count
    assert pytest.approx(sum(values)) == spread.total
    if values:
        assert (min(values), max(values)) == (spread.lowest, spread.highest)


def test_values_are_settled_before_they_are_many() -> None:
    """What waits to be counted in is bounded."""
    tallies = Tallies()
    values = ("chat", "openai", "openai", "m", "input")
    for _ in range(5000):
        tallies.spread(TOKEN_USAGE, values).take(7)

    assert len(tallies.spreads[TOKEN_USAGE][values].fresh) < 512


def test_sets_are_bounded() -> None:
    """Past the bound all other sets of values are counted as one, and none is lost."""
    tallies = Tallies()
    for number in range(SETS_MAX + 50):
        tallies.add(HEDGES, (f"provider-{number}", "ok"))
    tallies.add(HEDGES, ("provider-0", "ok"))

    sums = tallies.sums[HEDGES]
    assert SETS_MAX + 1 == len(sums)
    assert 50 == sums[OVERFLOW]
    assert 2 == sums["provider-0", "ok"]
    assert {"otel.metric.overflow": True} == named(HEDGES, OVERFLOW)


def test_a_bucket_keeps_its_last_sample() -> None:
    """A sample leads from a bucket to a trace."""
    tallies = Tallies()
    values = ("chat", "openai", "openai", "m", "input")
    for span_id in ("aa", "bb"):
        tallies.spread(TOKEN_USAGE, values).take(3.0, Sample(0.0, 1.0, "cc", span_id))
    tallies.spread(TOKEN_USAGE, values).take(3.0)

    assert {1: Sample(3.0, 1.0, "cc", "bb")} == tallies.spreads[TOKEN_USAGE][values].samples


def test_empty_values_are_left_out() -> None:
    """An attribute without a value is none; a long one is cut, as callers choose models' names."""
    told = named(ATTEMPTS, ("openai", "m" * 1000, "ok", ""))

    assert {"aiprovider.provider", "aiprovider.model", "aiprovider.outcome"} == set(told)
    assert "m" * 120 == told["aiprovider.model"]

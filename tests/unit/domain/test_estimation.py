"""Weighted means and their intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.estimation import compared, effective_size

weights = st.floats(0.001, 100.0)
samples = st.lists(st.tuples(st.floats(-100.0, 100.0), weights), min_size=1, max_size=30)
shares = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), weights), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("ones", "count", "expected"),
    [(10, 10, (0.7225, 1.0)), (0, 10, (0.0, 0.2775)), (5, 10, (0.2366, 0.7634))],
)
def test_wilson(ones: int, count: int, expected: tuple[float, float]) -> None:
    """A share of equal samples has the interval that Wilson gave it in 1927."""
    values = [1.0] * ones + [0.0] * (count - ones)
    found = compared(values, [1.0] * count, share=True)

    assert found is not None
    assert pytest.approx(expected, abs=0.0001) == (found.weighted.low, found.weighted.high)


def test_a_mean() -> None:
    """sum(w v) / sum(w), and 1.96 standard errors by the delta method."""
    found = compared([1.0, 3.0, None], [3.0, 1.0, 7.0], share=False)

    assert found is not None
    assert 2 == found.sample_count
    assert pytest.approx(1.5) == found.weighted.mean
    # Delta: (3/4 x 0.5)^2 + (1/4 x 1.5)^2 = 0.28125; spread 0.75 over 1.6 samples = 0.46875.
    assert pytest.approx(1.5 + 1.95996 * 0.46875**0.5, abs=0.0001) == found.weighted.high
    assert pytest.approx(-0.5) == found.difference.mean


def test_rare_values_under_large_weights() -> None:
    """That the rare value met small weights only does not make the interval narrow."""
    values = [0.0] * 5 + [1.0] * 95
    small_first = [0.1] * 5 + [0.1] * 85 + [9.0] * 10
    found = compared(values, small_first, share=True)

    assert found is not None
    assert pytest.approx(12.1, abs=0.1) == effective_size(small_first)
    assert found.weighted.low < 0.8


@given(shares)
def test_shares_stay_shares(pairs: list[tuple[float, float]]) -> None:
    """A share and its bounds lie in order between 0 and 1, and certainty is never claimed."""
    found = compared([v for v, _ in pairs], [w for _, w in pairs], share=True)

    assert found is not None
    for mean, low, high in (found.plain, found.weighted):
        assert 0.0 <= low <= mean <= high <= 1.0
        assert low < high


@given(samples, st.floats(0.01, 100.0))
def test_only_relations_of_weights_count(pairs: list[tuple[float, float]], factor: float) -> None:
    """Weights that are all larger by a factor give the same; the mean is none that nobody had."""
    values = [value for value, _ in pairs]
    one = compared(values, [w for _, w in pairs], share=False)
    other = compared(values, [w * factor for _, w in pairs], share=False)

    assert one is not None
    assert other is not None
    assert pytest.approx(tuple(one.weighted), abs=1e-6) == tuple(other.weighted)
    assert min(values) - 1e-9 <= one.weighted.mean <= max(values) + 1e-9


@given(samples)
def test_effective_size(pairs: list[tuple[float, float]]) -> None:
    """Between one sample and all of them; all of them where weights are equal."""
    found = effective_size([w for _, w in pairs])

    assert 1.0 - 1e-9 <= found <= len(pairs) + 1e-9
    assert pytest.approx(len(pairs)) == effective_size([2.5] * len(pairs))


def test_no_weight_no_estimate() -> None:
    """Where nothing has weight, or a value, there is no estimate."""
    assert compared([1.0], [0.0], share=True) is None
    assert compared([None], [1.0], share=True) is None
    assert compared([], [], share=False) is None
    assert 0.0 == effective_size([])

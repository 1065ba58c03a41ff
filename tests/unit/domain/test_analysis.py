"""What sums say: exact where they can be, within the sketch's accuracy where they cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import analysis, sketch
from service.domain.reasons import ErrorReason, FaultOwner
from service.domain.rollup import REASON_PLACES, Cell, Count, Kind, Rollup


def tally(seconds: list[float]) -> sketch.Tally:
    found: sketch.Tally = {}
    for one in seconds:
        place = sketch.bucket(one)
        found[place] = found.get(place, 0) + 1
    return found


@given(st.lists(st.floats(1e-5, 1e3), min_size=1, max_size=200))
def test_quantiles_in_one_pass(seconds: list[float]) -> None:
    """They are those that are found one by one."""
    told = tally(seconds)

    expected = [sketch.quantile(told, share) for share in (0.5, 0.95, 0.99)]
    assert expected == analysis.quantiles(told, (0.5, 0.95, 0.99))


def test_latency() -> None:
    """The mean is exact where the sum is known; nothing measured is None, not 0."""
    found = analysis.latency(tally([0.1] * 90 + [2.0] * 10), 29_000_000)

    assert found is not None
    assert (100, 0.29) == (found.measured, found.mean_s)
    assert pytest.approx(0.1, rel=0.02) == found.p50_s
    assert pytest.approx(2.0, rel=0.02) == found.p95_s
    assert analysis.latency({}) is None


def test_reasons() -> None:
    """The most frequent first, of equals by name, each with whoever can help it."""
    rollup = Rollup()
    rollup.tallies[Kind.REASONS] = {
        REASON_PLACES[ErrorReason.PROVIDER_TIMEOUT]: 2,
        REASON_PLACES[ErrorReason.INVALID_REQUEST]: 5,
        REASON_PLACES[ErrorReason.INTERNAL]: 2,
    }

    assert [
        (ErrorReason.INVALID_REQUEST, FaultOwner.CALLER, 5),
        (ErrorReason.INTERNAL, FaultOwner.SERVICE, 2),
        (ErrorReason.PROVIDER_TIMEOUT, FaultOwner.PROVIDER, 2),
    ] == analysis.reasons(rollup, Kind.REASONS)


@pytest.mark.parametrize(
    ("start", "end", "now", "expected"),
    [(0, 3600, 9000, 3600), (0, 3600, 1800, 1800), (0, 3600, 0.25, 1), (100, 200, 50, 1)],
)
def test_elapsed(start: float, end: float, now: float, expected: float) -> None:
    """A rate is over what has passed, and over a second at least."""
    assert expected == analysis.elapsed_s(start, end, now)


def test_in_flight() -> None:
    """Ten calls of 30 s in a minute are five at once, in the mean."""
    rollup = Rollup()
    rollup.counts[Count.TOTAL_US] = 10 * 30_000_000

    assert 5.0 == analysis.in_flight(rollup, 60.0)


def test_hit_share() -> None:
    """Bypassed and refreshed requests did not ask the cache."""
    rollup = Rollup()
    rollup.counts[Count.LOCAL_HITS] = 2
    rollup.counts[Count.COALESCED] = 1
    rollup.counts[Count.MISSES] = 1
    rollup.counts[Count.BYPASSED] = 100

    assert 0.75 == analysis.hit_share(rollup)
    assert 0.0 == analysis.hit_share(Rollup())


def test_cost_per_request() -> None:
    """Rounded down; unknown where no cost is known or there was no request."""
    rollup, unpriced = Rollup(), Rollup()
    rollup.counts[Count.REQUESTS] = 3
    rollup.counts[Count.INPUT_NANO_USD] = 10
    rollup.counts[Count.COMPUTED_COSTS] = 1
    unpriced.counts[Count.REQUESTS] = 3
    unpriced.counts[Count.UNPRICED_ATTEMPTS] = 1

    assert 3 == analysis.per_request_nano_usd(rollup)
    assert analysis.per_request_nano_usd(unpriced) is None
    assert analysis.per_request_nano_usd(Rollup()) is None


@given(st.floats(1, 1e9), st.integers(1, 500))
def test_trend_step(span_s: float, points: int) -> None:
    """A multiple of a minute that makes no more points than were asked for, and a part of one."""
    step_s = analysis.trend_step_s(span_s, points)

    assert 0 == step_s % 60
    assert span_s / step_s < points + 1


def test_a_day_has_24_points() -> None:
    """The usual trend is by the hour, also when a moment has passed since it was asked for."""
    assert 3600 == analysis.trend_step_s(86_400, 24) == analysis.trend_step_s(86_401.5, 24)


def test_filled() -> None:
    """Every step has its cell, empty or not, and keeps what it had."""
    had = Cell(120.0, 180.0, (), Rollup())
    found = analysis.filled([had], 70.0, 250.0, 60)

    assert [60.0, 120.0, 180.0, 240.0] == [cell.start for cell in found]
    assert had is found[1]

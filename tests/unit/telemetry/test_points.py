"""Tallies as the SDK's metric data."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import AggregationTemporality
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from service.telemetry.catalogue import HEDGES, PHASE_DURATION
from service.telemetry.otel.points import Points
from service.telemetry.tallies import Sample, Tallies

DELTA = {
    Counter: AggregationTemporality.DELTA,
    Histogram: AggregationTemporality.DELTA,
}
HEDGED = ("openai", "ok")
PHASE = ("m", "own")


def counted(tallies: Tallies) -> None:
    with tallies.lock:
        tallies.add(HEDGES, HEDGED, 2)
        tallies.spread(PHASE_DURATION, PHASE).take(0.3, Sample(0.0, 1.0, "aa", "bb"))


def read(points: Points) -> tuple[Any, Any]:
    """The one sum and the one histogram."""
    scope = points.beside(None).resource_metrics[0].scope_metrics[0]
    sums, spreads = scope.metrics
    return sums.data.data_points[0], spreads.data.data_points[0]


def reader(tallies: Tallies, temporality: Any = None) -> Points:
    return Points(tallies, Resource({}), InstrumentationScope("t"), temporality)


def test_sums_grow() -> None:
    """By itself each reader is told everything since the start; samples lead to traces."""
    tallies = Tallies()
    points = reader(tallies)
    counted(tallies)
    read(points)
    counted(tallies)
    total, spread = read(points)

    assert (4, 2, 0.6) == (total.value, spread.count, spread.sum)
    assert total.start_time_unix_nano < total.time_unix_nano
    assert [(0.3, 0xAA, 0xBB)] == [(e.value, e.trace_id, e.span_id) for e in spread.exemplars]


def test_differences_on_demand() -> None:
    """With DELTA a reader is told what is new since it read last; others are not touched by it."""
    tallies = Tallies()
    one, other = reader(tallies, DELTA), reader(tallies)
    counted(tallies)
    first = read(one)
    counted(tallies)
    total, spread = read(one)

    assert (2, 2, 1) == (first[0].value, total.value, spread.count)
    assert 1 == sum(spread.bucket_counts)
    # The extremes of what is new are not known; those of all time would be wrong.
    assert (0.3, 0.3) == (first[1].min, first[1].max)
    assert (None, None) == (spread.min, spread.max)
    assert first[0].time_unix_nano == total.start_time_unix_nano
    assert 4 == read(other)[0].value


def test_buckets_have_the_bounds_of_the_catalogue() -> None:
    """One bucket more than bounds, and all measurements in them."""
    tallies = Tallies()
    counted(tallies)
    _, spread = read(reader(tallies))

    assert PHASE_DURATION.bounds == tuple(spread.explicit_bounds)
    assert len(PHASE_DURATION.bounds) + 1 == len(spread.bucket_counts)
    assert spread.count == sum(spread.bucket_counts)

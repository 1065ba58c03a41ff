"""The catalogue of metrics: names are promises to whoever draws them."""

from __future__ import annotations

from pathlib import Path

from service.telemetry.catalogue import (
    CALL_DURATION,
    FIRST_CHUNK,
    FIRST_TOKEN,
    METRICS,
    OPERATION_DURATION,
    TOKEN_USAGE,
    Kind,
    Metric,
)

GOLDEN = Path(__file__).with_name("catalogue.golden")


def test_names_are_kept() -> None:
    """Whoever renames a metric, or what tells it apart, does so here too."""
    written = "".join(f"{line(metric)}\n" for metric in METRICS)

    assert GOLDEN.read_text() == written


def line(metric: Metric) -> str:
    attributes = ", ".join(metric.attributes) or "-"
    return f"{metric.name} | {metric.kind.value} | {metric.unit} | {attributes}"


def test_bounds_are_those_of_the_conventions() -> None:
    """Where the conventions say which, there are those, or those and some more."""
    doubling = tuple(0.01 * 2**power for power in range(14))
    fourfold = tuple(4**power for power in range(14))

    assert doubling == OPERATION_DURATION.bounds == FIRST_CHUNK.bounds
    assert fourfold == TOKEN_USAGE.bounds
    calls = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
    assert calls <= set(CALL_DURATION.bounds)
    tokens = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, *(one for one in calls if one >= 0.1)}
    assert tokens <= set(FIRST_TOKEN.bounds)


def test_each_is_listed_once() -> None:
    """No two metrics share a name, in OpenTelemetry's spelling or in Prometheus'."""
    assert len(METRICS) == len({metric.name for metric in METRICS})
    assert len(METRICS) == len({metric.prometheus for metric in METRICS})


def test_histograms_have_bounds() -> None:
    """Bounds grow, and only histograms have any."""
    for metric in METRICS:
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.bounds)
        assert sorted(set(metric.bounds)) == list(metric.bounds)

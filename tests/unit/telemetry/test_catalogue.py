"""The catalogue of metrics: names are promises to whoever draws them."""

from __future__ import annotations

from pathlib import Path

from service.telemetry.catalogue import METRICS, Kind, Metric

GOLDEN = Path(__file__).with_name("catalogue.golden")


def test_names_are_kept() -> None:
    """Whoever renames a metric, or what tells it apart, does so here too."""
    written = "".join(f"{line(metric)}\n" for metric in METRICS)

    assert GOLDEN.read_text() == written


def line(metric: Metric) -> str:
    attributes = ", ".join(metric.attributes) or "-"
    return f"{metric.name} | {metric.kind.value} | {metric.unit} | {attributes}"


def test_each_is_listed_once() -> None:
    """No two metrics share a name, in OpenTelemetry's spelling or in Prometheus'."""
    assert len(METRICS) == len({metric.name for metric in METRICS})
    assert len(METRICS) == len({metric.prometheus for metric in METRICS})


def test_histograms_have_bounds() -> None:
    """Bounds grow, and only histograms have any."""
    for metric in METRICS:
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.bounds)
        assert sorted(set(metric.bounds)) == list(metric.bounds)

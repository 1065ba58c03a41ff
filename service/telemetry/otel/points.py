"""Tallies as the SDK's metric data, put beside what its own instruments gathered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import time_ns
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Counter, Exemplar
from opentelemetry.sdk.metrics import Histogram as HistogramInstrument
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry

from service.telemetry.catalogue import Metric as Known
from service.telemetry.tallies import Spread, Tallies, Values, named

_NANO = 10**9


class Points:
    """What one reader has been told of `tallies`; with DELTA only what is new is told again."""

    def __init__(
        self,
        tallies: Tallies,
        resource: Resource,
        scope: InstrumentationScope,
        temporality: Mapping[type, AggregationTemporality] | None,
    ) -> None:
        chosen = temporality or {}
        self._tallies = tallies
        self._resource = resource
        self._scope = scope
        self._sums_are = chosen.get(Counter, AggregationTemporality.CUMULATIVE)
        self._spreads_are = chosen.get(HistogramInstrument, AggregationTemporality.CUMULATIVE)
        self._began_ns = self._told_ns = time_ns()
        self._told_sums: dict[tuple[Known, Values], int] = {}
        self._told_spreads: dict[tuple[Known, Values], Spread] = {}

    def beside(self, gathered: MetricsData | None) -> MetricsData:
        """`gathered` with the tallies."""
        others: list[ScopeMetrics] = []
        # The exporter keeps one list for each scope.
        metrics = list(self._metrics())
        for resource in gathered.resource_metrics if gathered is not None else ():
            for scope in resource.scope_metrics:
                if scope.scope.name == self._scope.name:
                    metrics += scope.metrics
                else:
                    others.append(scope)
        own = ScopeMetrics(self._scope, metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [own, *others], "")])

    def _metrics(self) -> Iterator[Metric]:
        with self._tallies.lock:
            self._tallies.settle()
            sums = {metric: values.copy() for metric, values in self._tallies.sums.items()}
            spreads = {
                metric: {values: spread.copy() for values, spread in told.items() if spread.count}
                for metric, told in self._tallies.spreads.items()
            }
        now_ns = time_ns()
        for metric, told in sums.items():
            counted = [self._sum(metric, *one, now_ns) for one in told.items()]
            sum_ = Sum(counted, self._sums_are, is_monotonic=True)
            yield Metric(metric.name, metric.description, metric.unit, sum_)
        for metric, measured in spreads.items():
            if not measured:
                continue
            points = [self._spread(metric, *one, now_ns) for one in measured.items()]
            histogram = Histogram(points, self._spreads_are)
            yield Metric(metric.name, metric.description, metric.unit, histogram)
        self._told_ns = now_ns

    def _sum(self, metric: Known, values: Values, total: int, now_ns: int) -> NumberDataPoint:
        began_ns = self._began_ns
        if self._sums_are is AggregationTemporality.DELTA:
            began_ns, key = self._told_ns, (metric, values)
            before, self._told_sums[key] = self._told_sums.get(key, 0), total
            total -= before
        return NumberDataPoint(named(metric, values), began_ns, now_ns, total)

    def _spread(
        self, metric: Known, values: Values, spread: Spread, now_ns: int
    ) -> HistogramDataPoint:
        began_ns, attributes = self._began_ns, named(metric, values)
        # None of them is told, where the SDK's types know no such thing.
        lowest: Any = spread.lowest
        highest: Any = spread.highest
        exemplars = [
            Exemplar(
                {}, one.value, int(one.time_s * _NANO), int(one.span_id, 16), int(one.trace_id, 16)
            )
            for one in spread.samples.values()
        ]
        if self._spreads_are is AggregationTemporality.DELTA:
            began_ns, key = self._told_ns, (metric, values)
            before, self._told_spreads[key] = self._told_spreads.get(key), spread
            if before is not None:
                exemplars = [one for one in exemplars if one.time_unix_nano >= began_ns]
                spread, lowest, highest = _since(before, spread), None, None
        return HistogramDataPoint(
            attributes,
            began_ns,
            now_ns,
            spread.count,
            spread.total,
            spread.buckets,
            metric.bounds,
            lowest,
            highest,
            exemplars,
        )


def _since(before: Spread, now: Spread) -> Spread:
    """What came between, but for its extremes: nothing tells when they were."""
    new = now.copy()
    new.buckets = [n - b for n, b in zip(now.buckets, before.buckets, strict=True)]
    new.count, new.total = now.count - before.count, now.total - before.total
    return new


class PushReader(PeriodicExportingMetricReader):
    """Exports every `OTEL_METRIC_EXPORT_INTERVAL` on a thread of its own; the tallies too."""

    def __init__(self, exporter: MetricExporter, points: Points) -> None:
        self._points = points
        super().__init__(exporter)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        whole = self._points.beside(metrics_data)
        super()._receive_metrics(whole, timeout_millis=timeout_millis, **kwargs)


class PullReader(PrometheusMetricReader):
    """Read whenever Prometheus asks; the tallies too."""

    def __init__(self, registry: CollectorRegistry, points: Points) -> None:
        self._points = points
        super().__init__(scope_info_enabled=False, registry=registry)

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        whole = self._points.beside(metrics_data)
        super()._receive_metrics(whole, timeout_millis=timeout_millis, **kwargs)

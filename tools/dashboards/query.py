"""PromQL over metrics of the catalogue. A metric or a label that is not there cannot be asked for.

`$__rate_interval` and `$__range` are Grafana's. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.telemetry import catalogue as of
from service.telemetry.catalogue import Kind, Metric

Where = Mapping[str, str]
"""Matchers by attribute, such as {STATUS: '!="OK"'}."""

CALLS: Where = {of.METHOD: r'=~"aiprovider\\.v1\\.(CompletionService|ModelService)/.*"'}
"""What callers want of providers. Questions about the past, and watching, are not counted."""
_NANO = "1e9"
_RATE = "$__rate_interval"


def label(attribute: str) -> str:
    """As the Prometheus exporter spells it."""
    return attribute.replace(".", "_")


def legend(*attributes: str) -> str:
    return " ".join(f"{{{{{label(one)}}}}}" for one in attributes)


def rate(metric: Metric, by: Sequence[str] = (), where: Where | None = None) -> str:
    """Per second: of a counter, or of how many a histogram measured."""
    return _summed(f"rate({_series(metric, _total(metric), where)}[{_RATE}])", metric, by)


def spent(metric: Metric, by: Sequence[str] = (), where: Where | None = None) -> str:
    """What a histogram measured, summed up, per second."""
    return _summed(f"rate({_series(metric, '_sum', where)}[{_RATE}])", metric, by)


def increase(metric: Metric, by: Sequence[str] = (), where: Where | None = None) -> str:
    """In the time that is shown."""
    return _summed(f"increase({_series(metric, _total(metric), where)}[$__range])", metric, by)


def share(part: str, whole: str) -> str:
    """Of two rates that are summed alike; nothing where there is no whole, 0 where that is all."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def quantile(q: float, metric: Metric, by: Sequence[str] = (), where: Where | None = None) -> str:
    _require(metric.kind is Kind.HISTOGRAM, metric, "is no histogram")
    buckets = f"rate({_series(metric, '_bucket', where)}[{_RATE}])"
    return f"histogram_quantile({q:g}, sum by ({_labels(metric, by, ('le',))}) ({buckets}))"


def gauge(metric: Metric, fold: str = "sum", by: Sequence[str] = ()) -> str:
    """Over the replicas."""
    _require(metric.kind is Kind.GAUGE, metric, "is no gauge")
    return _summed(_series(metric, "", None), metric, by, fold)


def fullest(part: Metric, whole: Metric) -> str:
    """The share of one gauge in another, on the replica where it is highest."""
    return f"max ({_series(part, '', None)} / {_series(whole, '', None)})"


def or_none(expression: str) -> str:
    """0 where nothing was ever counted."""
    return f"{expression} or vector(0)"


def dollars(nano: str) -> str:
    return f"{nano} / {_NANO}"


def _total(metric: Metric) -> str:
    _require(metric.kind is not Kind.GAUGE, metric, "is a gauge")
    return "_count" if metric.kind is Kind.HISTOGRAM else ""


def _series(metric: Metric, suffix: str, where: Where | None) -> str:
    matchers = ['job=~"$job"', 'instance=~"$instance"']
    if of.PROVIDER in metric.attributes:
        matchers.append(f'{label(of.PROVIDER)}=~"$provider"')
    for attribute, matcher in (where or {}).items():
        _require(attribute in metric.attributes, metric, f"has no attribute {attribute}")
        matchers.append(f"{label(attribute)}{matcher}")
    return f"{metric.prometheus}{suffix}{{{','.join(matchers)}}}"


def _summed(series: str, metric: Metric, by: Sequence[str], fold: str = "sum") -> str:
    groups = f" by ({_labels(metric, by)})" if by else ""
    return f"{fold}{groups} ({series})"


def _labels(metric: Metric, by: Sequence[str], more: Sequence[str] = ()) -> str:
    for attribute in by:
        _require(attribute in metric.attributes, metric, f"has no attribute {attribute}")
    return ", ".join((*more, *(label(one) for one in by)))


def _require(holds: bool, metric: Metric, problem: str) -> None:
    if not holds:
        raise ValueError(f"{metric} {problem}")

"""What a replica does now: as a picture, as a line of words, as a line of CSV."""

from __future__ import annotations

from aiprovider.v1 import analytics_service_pb2 as pb

from aiprovider_client.cli.figures import iso, nanos, took, usd
from aiprovider_client.cli.providers import status
from aiprovider_client.cli.tables import NOTHING, duration, part, table

_RATES = (
    "count",
    "errors",
    "per_second",
    "input_tokens_per_second",
    "output_tokens_per_second",
    "nano_usd",
    "nano_usd_per_hour",
    "unpriced_attempts",
)
_ROUNDED_FROM_NANO_USD = 10_000_000
_QUANTILES = ("p50", "p95", "p99")
HEADER = ",".join(
    (
        "time",
        *_RATES,
        "in_flight",
        "cache_hit_ratio",
        *(f"total_duration_{name}_ns" for name in _QUANTILES),
    )
)


def csv_line(told: pb.WatchMetricsResponse) -> str:
    summary = told.total_duration
    values = (
        iso(told.time),
        *(getattr(told.requests, name) for name in _RATES),
        told.in_flight,
        told.cache_hit_ratio,
        *(nanos(getattr(summary, name)) if summary.count else "" for name in _QUANTILES),
    )
    return ",".join(str(value) for value in values)


def line(told: pb.WatchMetricsResponse) -> str:
    rates = told.requests
    return (
        f"{iso(told.time)}  {rates.per_second:.1f} requests/s, {part(rates.error_ratio)} failed,"
        f" {told.in_flight} in flight, p50 {_quantile(told.total_duration, 'p50')},"
        f" p95 {_quantile(told.total_duration, 'p95')},"
        f" cache {part(told.cache_hit_ratio)}, {_hourly(rates)}"
    )


def picture(told: pb.WatchMetricsResponse) -> str:
    return f"{line(told)}\n\n{_tokens(told)}\n\n{_providers(told)}"


def _tokens(told: pb.WatchMetricsResponse) -> str:
    rates, first = told.requests, told.time_to_first_token
    return (
        f"the last {duration(told.window)}: {rates.count:,} requests,"
        f" {rates.input_tokens_per_second:,.0f} input and"
        f" {rates.output_tokens_per_second:,.0f} output tokens/s,"
        f" first token p50 {_quantile(first, 'p50')} p95 {_quantile(first, 'p95')}"
    )


def _providers(told: pb.WatchMetricsResponse) -> str:
    found = told.providers
    return table(
        ("provider", [one.provider for one in found]),
        ("status", [status(one) for one in found]),
        (">attempts/s", [f"{one.attempts.per_second:.1f}" for one in found]),
        (">failed", [part(one.attempts.error_ratio) for one in found]),
        (">in flight", [str(one.in_flight) for one in found]),
        (">p50", [_quantile(one.duration, "p50") for one in found]),
        (">p95", [_quantile(one.duration, "p95") for one in found]),
        (">tokens/s", [f"{one.attempts.output_tokens_per_second:,.0f}" for one in found]),
        (">cost", [_hourly(one.attempts) for one in found]),
    )


def _hourly(rates: pb.LiveRates) -> str:
    """A projection: more than four places of it would say nothing."""
    nano_usd = rates.nano_usd_per_hour
    if nano_usd >= _ROUNDED_FROM_NANO_USD:
        nano_usd = round(nano_usd, -5)
    unpriced = f" + {rates.unpriced_attempts} unpriced" if rates.unpriced_attempts else ""
    return f"{usd(nano_usd)}/h{unpriced}"


def _quantile(summary: pb.LatencySummary, name: str) -> str:
    return took(nanos(getattr(summary, name))) if summary.count else NOTHING

"""The figures of a bucket, for a person's table and for a CSV file. CSV holds raw whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from aiprovider.v1 import analytics_service_pb2 as pb
from google.protobuf import duration_pb2, timestamp_pb2

from aiprovider_client.cli.tables import NOTHING, part, span

Value = int | float | str | None
_NANO = 1_000_000_000
_SHORT_NS = 10_000_000


class Figure(NamedTuple):
    """`name` heads the CSV column, `heading` that of the table; "" leaves it out there."""

    name: str
    heading: str
    value: Callable[[Any], Value]
    shown: Callable[[Any], str] = str


def usd(nano_usd: int) -> str:
    """Exactly: `$0.00123`, with two places at least."""
    sign = "-" if nano_usd < 0 else ""
    whole, rest = divmod(abs(nano_usd), _NANO)
    places = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}${whole:,}.{places}"


def count(value: int) -> str:
    return f"{value:,}"


def nanos(value: duration_pb2.Duration) -> int:
    return value.seconds * _NANO + value.nanos


def took(value_ns: int) -> str:
    """Short ones to a tenth of a millisecond."""
    short = 0 < value_ns < _SHORT_NS
    return f"{value_ns / 1e6:.1f} ms" if short else span(value_ns / _NANO)


def _rate(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 or not value else f"{value:.2g}"


def iso(moment: timestamp_pb2.Timestamp) -> str:
    told = datetime.fromtimestamp(moment.seconds, UTC)
    return f"{told:%Y-%m-%dT%H:%M:%SZ}"


def shown(figure: Figure, bucket: Any) -> str:
    value = figure.value(bucket)
    return NOTHING if value is None else figure.shown(value)


def _latency(field: str, heading: str, quantiles: Sequence[str]) -> list[Figure]:
    """All of a LatencySummary for CSV, and the `quantiles` for the table."""

    def figure(quantile: str) -> Figure:
        def value(bucket: Any) -> int | None:
            summary = getattr(bucket, field)
            return nanos(getattr(summary, quantile)) if summary.count else None

        told = f">{heading} {quantile}" if quantile in quantiles else ""
        return Figure(f"{field}_{quantile}_ns", told, value, took)

    every = ("mean", "p50", "p95", "p99")
    measured = Figure(f"{field}_count", "", attrgetter(f"{field}.count"))
    return [measured, *(figure(one) for one in every)]


def _optional(field: str) -> Callable[[Any], int | None]:
    def value(bucket: Any) -> int | None:
        return nanos(getattr(bucket, field)) if bucket.HasField(field) else None

    return value


def _plain(name: str, heading: str, told: Callable[[Any], str] = count) -> Figure:
    return Figure(name, heading, attrgetter(name), told)


def _within(outer: str, name: str, heading: str, told: Callable[[Any], str] = count) -> Figure:
    return Figure(name, heading, attrgetter(f"{outer}.{name}"), told)


def _saved(name: str, heading: str, told: Callable[[Any], str] = count) -> Figure:
    return _within("savings", name, heading, told)._replace(name=f"saved_{name}")


def _total(bucket: pb.UsageBucket | pb.CostBucket) -> int | None:
    """Unknown is never 0."""
    return None if bucket.cost.unpriced else bucket.cost.total_nano_usd


def _part(name: str, heading: str) -> Figure:
    def value(bucket: pb.CostBucket) -> int | None:
        return None if bucket.cost.unpriced else getattr(bucket.cost, name)

    return Figure(name, heading, value, usd)


def _each(bucket: pb.CostBucket) -> int | None:
    return bucket.nano_usd_per_request if bucket.HasField("nano_usd_per_request") else None


def _recovery_ratio(bucket: pb.ErrorBucket) -> float | None:
    known = bucket.HasField("failover_success_ratio")
    return bucket.failover_success_ratio if known else None


def _told_reasons(bucket: pb.ErrorBucket) -> str:
    return _reasons(bucket.reasons)


def _attempt_reasons(bucket: pb.ErrorBucket) -> str:
    return _reasons(bucket.attempt_reasons)


def _reasons(counts: Sequence[pb.ReasonCount]) -> str:
    return " ".join(f"{one.reason}:{one.count}" for one in counts)


_ATTEMPTS = (
    _plain("attempts", ">attempts"),
    _plain("unpriced_attempts", ">unpriced"),
)
USAGE = (
    _plain("requests", ">requests"),
    _plain("errors", ">errors"),
    _plain("cancelled", ""),
    _plain("cache_hits", ">hits"),
    _plain("failovers", ">failovers"),
    *_ATTEMPTS,
    _within("usage", "input_tokens", ">input"),
    _within("usage", "output_tokens", ">output"),
    _within("usage", "cache_read_input_tokens", ""),
    _within("usage", "cache_write_input_tokens", ""),
    _within("usage", "reasoning_output_tokens", ""),
    Figure("total_nano_usd", ">cost", _total, usd),
    Figure("latency_p50_ns", ">p50", _optional("latency_p50"), took),
    Figure("latency_p95_ns", ">p95", _optional("latency_p95"), took),
    Figure("latency_p99_ns", "", _optional("latency_p99"), took),
    Figure(
        "time_to_first_token_p50_ns",
        ">first token",
        _optional("time_to_first_token_p50"),
        took,
    ),
)
PERFORMANCE = (
    _plain("requests", ">requests"),
    *_latency("total_duration", "total", ("p50", "p95", "p99")),
    *_latency("time_to_first_token", "first token", ("p50", "p95")),
    *_latency("time_per_output_token", "per token", ("p50",)),
    *_latency("provider_duration", "provider", ("p50", "p95")),
    *_latency("overhead", "overhead", ("p50", "p95")),
    _plain("requests_per_second", ">requests/s", _rate),
    _plain("output_tokens_per_second", ">tokens/s", _rate),
    _plain("mean_concurrency", ">in flight", _rate),
    _plain("p95_concurrency", ">in flight p95"),
    _plain("peak_concurrency", ">in flight peak"),
)
COSTS = (
    _plain("requests", ">requests"),
    *_ATTEMPTS,
    Figure("total_nano_usd", ">cost", _total, usd),
    Figure("nano_usd_per_request", ">per request", _each, usd),
    _part("input_nano_usd", ">input"),
    _part("output_nano_usd", ">output"),
    _part("cache_read_nano_usd", ">cache read"),
    _part("cache_write_nano_usd", ">cache write"),
    _part("other_nano_usd", ">other"),
    _plain("estimated_nano_usd", "", usd),
    _plain("unanswered_nano_usd", ">unanswered", usd),
    _saved("cache_nano_usd", ">saved: cache", usd),
    _saved("coalescing_nano_usd", ">coalescing", usd),
    _saved("repeats_nano_usd", ">repeats", usd),
    _saved("routing_expected_nano_usd", ">routing (expected)", usd),
    _saved("unpriced_requests", ""),
)
ERRORS = (
    _plain("requests", ">requests"),
    _plain("errors", ">errors"),
    _plain("error_ratio", ">ratio", part),
    _plain("caller_faults", ">caller"),
    _plain("provider_faults", ">provider"),
    _plain("service_faults", ">service"),
    _plain("attempts", ">attempts"),
    _plain("failed_attempts", ">failed"),
    _plain("failovers", ">failovers"),
    _plain("recovered", ">recovered"),
    Figure("failover_success_ratio", "", _recovery_ratio, part),
    *_latency("recovery_duration", "recovery", ("p50",)),
    Figure("reasons", "reasons", _told_reasons),
    Figure("attempt_reasons", "reasons of attempts", _attempt_reasons),
)

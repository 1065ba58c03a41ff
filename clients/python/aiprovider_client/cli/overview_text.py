"""What a dashboard shows, in a screenful of text."""

from __future__ import annotations

from collections.abc import Sequence

from aiprovider.v1 import analytics_service_pb2 as pb
from google.protobuf import duration_pb2

from aiprovider_client.cli.alerts import severity
from aiprovider_client.cli.figures import iso, nanos, took, usd
from aiprovider_client.cli.providers import status
from aiprovider_client.cli.tables import NOBODY, NOTHING, duration, part, table, words

_BARS = " ▁▂▃▄▅▆▇█"


def overview(told: pb.GetOverviewResponse) -> str:
    parts = [
        _time(told),
        _alerts(told),
        _requests(told),
        _costs(told.costs),
        _latency(told.performance),
        _errors(told.errors),
        _top("provider", told.top_providers),
        _top("model", told.top_models),
        _top("tenant", told.top_tenants),
        _trend(told),
        _health(told),
    ]
    return "\n".join(text for text in parts if text)


def _time(told: pb.GetOverviewResponse) -> str:
    until = iso(told.data_until_time)
    return f"{iso(told.start_time)} to {iso(told.end_time)}, complete until {until}"


def _alerts(told: pb.GetOverviewResponse) -> str:
    lines = [f"{severity(one)}: {one.summary}" for one in told.firing_alerts]
    more = told.firing_alert_count - len(lines)
    return "\n".join([*lines, f"{more} more alerts are firing"] if more > 0 else lines)


def _requests(told: pb.GetOverviewResponse) -> str:
    usage, before = told.usage, told.previous_usage
    cache = usage.cache
    hits = cache.local_hits + cache.shared_hits
    share = part(hits / usage.requests) if usage.requests else NOTHING
    return (
        f"requests: {usage.requests:,} ({before.requests:,} in the same time before),"
        f" {usage.errors:,} failed; cache: {hits:,} hits ({share}), {cache.coalesced:,} joined,"
        f" {cache.repeated:,} repeated"
    )


def _costs(costs: pb.CostBucket) -> str:
    unpriced = f" and {costs.unpriced_attempts:,} attempts of unknown price"
    saved = costs.savings
    total = NOTHING if costs.cost.unpriced else usd(costs.cost.total_nano_usd)
    return (
        f"cost: {total}{unpriced if costs.unpriced_attempts else ''};"
        f" saved: cache {usd(saved.cache_nano_usd)}, joined {usd(saved.coalescing_nano_usd)},"
        f" repeated {usd(saved.repeats_nano_usd)},"
        f" routing about {usd(saved.routing_expected_nano_usd)}"
    )


def _latency(performance: pb.PerformanceBucket) -> str:
    summary = performance.total_duration
    if not summary.count:
        return ""
    return (
        f"latency: mean {_took(summary.mean)}, p50 {_took(summary.p50)},"
        f" p95 {_took(summary.p95)}, p99 {_took(summary.p99)};"
        f" overhead p50 {_took(performance.overhead.p50)}"
    )


def _errors(errors: pb.ErrorBucket) -> str:
    if not errors.reasons:
        return ""
    return table(
        ("failed because of", [one.reason for one in errors.reasons]),
        ("fault of", [_owner(one) for one in errors.reasons]),
        (">requests", [f"{one.count:,}" for one in errors.reasons]),
    )


def _owner(one: pb.ReasonCount) -> str:
    return words(pb.FaultOwner.Name(one.fault_owner).removeprefix("FAULT_OWNER_"))


def _top(name: str, buckets: Sequence[pb.UsageBucket]) -> str:
    if not buckets:
        return ""
    return table(
        (name, [one.dimensions[name] or NOBODY for one in buckets]),
        (">requests", [f"{one.requests:,}" for one in buckets]),
        (">attempts", [f"{one.attempts:,}" for one in buckets]),
        (">errors", [f"{one.errors:,}" for one in buckets]),
        (">cost", [_cost(one) for one in buckets]),
        (">p95", [_p95(one) for one in buckets]),
    )


def _took(value: duration_pb2.Duration) -> str:
    return took(nanos(value))


def _p95(bucket: pb.UsageBucket) -> str:
    return _took(bucket.latency_p95) if bucket.HasField("latency_p95") else NOTHING


def _cost(bucket: pb.UsageBucket) -> str:
    return NOTHING if bucket.cost.unpriced else usd(bucket.cost.total_nano_usd)


def _trend(told: pb.GetOverviewResponse) -> str:
    most = max((one.requests for one in told.trend), default=0)
    if not most:
        return ""
    top = len(_BARS) - 1
    bars = "".join(_BARS[-(-one.requests * top // most)] for one in told.trend)
    return f"requests per {duration(told.trend_step)}: {bars} (at most {most:,})"


def _health(told: pb.GetOverviewResponse) -> str:
    named = [f"{one.provider} {status(one)}" for one in told.health]
    return f"providers: {', '.join(named)}" if named else ""

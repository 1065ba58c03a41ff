"""What calls came to, on the wire. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import usage_pb2
from google.protobuf import duration_pb2

from service.domain import analysis
from service.domain.health import ProviderHealth
from service.domain.reasons import FaultOwner
from service.domain.rollup import Cell, Count, Kind, Rollup
from service.rpc.provider_health import STATUSES
from service.rpc.values import cost_pb, duration, timestamp, usage_pb
from service.telemetry.live import Window

_OWNERS = {
    FaultOwner.CALLER: pb.FAULT_OWNER_CALLER,
    FaultOwner.PROVIDER: pb.FAULT_OWNER_PROVIDER,
    FaultOwner.SERVICE: pb.FAULT_OWNER_SERVICE,
}
_UNKNOWN = (None, None, None)
_HOUR_S = 3600
_US = 1e6


def usage_bucket(cell: Cell, names: Sequence[str] = ()) -> pb.UsageBucket:
    rollup = cell.rollup
    total = analysis.quantiles(rollup.tally(Kind.TOTAL), (0.5, 0.95, 0.99)) or _UNKNOWN
    first = analysis.quantiles(rollup.tally(Kind.FIRST_TOKEN), (0.5,)) or _UNKNOWN
    return pb.UsageBucket(
        start_time=timestamp(cell.start),
        dimensions=_dimensions(cell, names),
        requests=rollup[Count.REQUESTS],
        errors=rollup[Count.ERRORS],
        cache_hits=rollup[Count.LOCAL_HITS] + rollup[Count.SHARED_HITS],
        failovers=rollup[Count.FAILOVERS],
        usage=usage_pb(rollup.usage),
        cost=_cost(rollup),
        latency_p50=_seconds(total[0]),
        latency_p95=_seconds(total[1]),
        latency_p99=_seconds(total[2]),
        time_to_first_token_p50=_seconds(first[0]),
        attempts=rollup[Count.ATTEMPTS],
        unpriced_attempts=rollup[Count.UNPRICED_ATTEMPTS],
        cache=_cache(rollup),
        cancelled=rollup[Count.CANCELLED],
    )


def performance_bucket(cell: Cell, now: float, names: Sequence[str] = ()) -> pb.PerformanceBucket:
    """Rates are over what has passed of the bucket at `now`."""
    rollup = cell.rollup
    span_s = analysis.elapsed_s(cell.start, cell.end, now)
    p95_concurrency, peak_concurrency = analysis.concurrency(rollup.tally(Kind.CONCURRENCY))
    return pb.PerformanceBucket(
        start_time=timestamp(cell.start),
        dimensions=_dimensions(cell, names),
        requests=rollup[Count.REQUESTS],
        total_duration=_summary(rollup, Kind.TOTAL, rollup[Count.TOTAL_US]),
        time_to_first_token=_summary(rollup, Kind.FIRST_TOKEN),
        time_per_output_token=_summary(rollup, Kind.PER_TOKEN),
        provider_duration=_summary(rollup, Kind.PROVIDER, rollup[Count.PROVIDER_US]),
        overhead=_summary(rollup, Kind.OVERHEAD),
        requests_per_second=rollup[Count.REQUESTS] / span_s,
        output_tokens_per_second=rollup[Count.OUTPUT_TOKENS] / span_s,
        mean_concurrency=analysis.in_flight(rollup, span_s),
        p95_concurrency=p95_concurrency,
        peak_concurrency=peak_concurrency,
    )


def cost_bucket(cell: Cell, names: Sequence[str] = ()) -> pb.CostBucket:
    rollup = cell.rollup
    return pb.CostBucket(
        start_time=timestamp(cell.start),
        dimensions=_dimensions(cell, names),
        requests=rollup[Count.REQUESTS],
        attempts=rollup[Count.ATTEMPTS],
        cost=_cost(rollup),
        unpriced_attempts=rollup[Count.UNPRICED_ATTEMPTS],
        estimated_nano_usd=rollup[Count.ESTIMATED_NANO_USD],
        unanswered_nano_usd=rollup[Count.UNANSWERED_NANO_USD],
        nano_usd_per_request=analysis.per_request_nano_usd(rollup),
        savings=_savings(rollup),
    )


def error_bucket(cell: Cell, names: Sequence[str] = ()) -> pb.ErrorBucket:
    rollup = cell.rollup
    failovers, recovered = rollup[Count.FAILOVERS], rollup[Count.RECOVERED]
    return pb.ErrorBucket(
        start_time=timestamp(cell.start),
        dimensions=_dimensions(cell, names),
        requests=rollup[Count.REQUESTS],
        errors=rollup[Count.ERRORS],
        error_ratio=analysis.share(rollup[Count.ERRORS], rollup[Count.REQUESTS]),
        reasons=_reasons(rollup, Kind.REASONS),
        caller_faults=rollup[Count.CALLER_FAULTS],
        provider_faults=rollup[Count.PROVIDER_FAULTS],
        service_faults=rollup[Count.SERVICE_FAULTS],
        attempts=rollup[Count.ATTEMPTS],
        failed_attempts=rollup[Count.FAILED_ATTEMPTS],
        attempt_reasons=_reasons(rollup, Kind.ATTEMPT_REASONS),
        failovers=failovers,
        recovered=recovered,
        failover_success_ratio=recovered / failovers if failovers else None,
        recovery_duration=_summary(rollup, Kind.RECOVERY),
    )


def live_metrics(
    window: Window, in_flight: int, healths: Sequence[ProviderHealth]
) -> pb.WatchMetricsResponse:
    """Every provider of `healths`, and those that are gone but were asked."""
    lately, length_s = window.lately, window.length_s
    calls = lately.calls
    attempts = Rollup()
    for rollup in lately.providers.values():
        attempts.add(rollup)
    known = {health.provider: health for health in healths}
    return pb.WatchMetricsResponse(
        time=timestamp(window.end),
        window=duration(length_s),
        requests=_rates(calls[Count.REQUESTS], calls[Count.ERRORS], attempts, length_s),
        total_duration=_summary(calls, Kind.TOTAL, calls[Count.TOTAL_US]),
        time_to_first_token=_summary(calls, Kind.FIRST_TOKEN),
        cache=_cache(calls),
        cache_hit_ratio=analysis.hit_share(calls),
        in_flight=in_flight,
        providers=[
            _live_provider(name, lately.providers.get(name, Rollup()), known.get(name), length_s)
            for name in sorted({*known, *lately.providers})
        ],
    )


def _live_provider(
    name: str, rollup: Rollup, health: ProviderHealth | None, length_s: int
) -> pb.LiveProvider:
    return pb.LiveProvider(
        provider=name,
        attempts=_rates(rollup[Count.ATTEMPTS], rollup[Count.FAILED_ATTEMPTS], rollup, length_s),
        duration=_summary(rollup, Kind.ATTEMPT),
        status=STATUSES[health.status] if health else None,
        in_flight=health.in_flight if health else 0,
    )


def _rates(count: int, errors: int, attempts: Rollup, length_s: int) -> pb.LiveRates:
    nano_usd = attempts.cost.total
    return pb.LiveRates(
        count=count,
        errors=errors,
        per_second=count / length_s,
        error_ratio=analysis.share(errors, count),
        input_tokens_per_second=attempts[Count.INPUT_TOKENS] / length_s,
        output_tokens_per_second=attempts[Count.OUTPUT_TOKENS] / length_s,
        nano_usd=nano_usd,
        nano_usd_per_hour=nano_usd * _HOUR_S // length_s,
        unpriced_attempts=attempts[Count.UNPRICED_ATTEMPTS],
    )


def _summary(rollup: Rollup, kind: Kind, sum_us: int | None = None) -> pb.LatencySummary:
    found = analysis.latency(rollup.tally(kind), sum_us)
    if found is None:
        return pb.LatencySummary()
    return pb.LatencySummary(
        count=found.measured,
        mean=duration(found.mean_s),
        p50=duration(found.p50_s),
        p95=duration(found.p95_s),
        p99=duration(found.p99_s),
    )


def _cache(rollup: Rollup) -> pb.CacheCounts:
    return pb.CacheCounts(
        local_hits=rollup[Count.LOCAL_HITS],
        shared_hits=rollup[Count.SHARED_HITS],
        misses=rollup[Count.MISSES],
        coalesced=rollup[Count.COALESCED],
        bypassed=rollup[Count.BYPASSED],
        refreshed=rollup[Count.REFRESHED],
        repeated=rollup[Count.REPEATED],
    )


def _savings(rollup: Rollup) -> pb.Savings:
    return pb.Savings(
        cache_nano_usd=rollup[Count.SAVED_CACHE_NANO_USD],
        coalescing_nano_usd=rollup[Count.SAVED_COALESCING_NANO_USD],
        repeats_nano_usd=rollup[Count.SAVED_REPEATS_NANO_USD],
        unpriced_requests=rollup[Count.UNPRICED_SAVINGS],
        duration=duration(rollup[Count.SAVED_US] / _US),
        routing_expected_nano_usd=rollup[Count.ROUTING_SAVED_NANO_USD],
        routing_attempts=rollup[Count.ROUTING_ATTEMPTS],
    )


def _cost(rollup: Rollup) -> usage_pb2.Cost:
    told = cost_pb(rollup.cost)
    told.saved_nano_usd = (
        rollup[Count.SAVED_CACHE_NANO_USD]
        + rollup[Count.SAVED_COALESCING_NANO_USD]
        + rollup[Count.SAVED_REPEATS_NANO_USD]
    )
    return told


def _reasons(rollup: Rollup, kind: Kind) -> list[pb.ReasonCount]:
    return [
        pb.ReasonCount(reason=one.reason.name, fault_owner=_OWNERS[one.owner], count=one.times)
        for one in analysis.reasons(rollup, kind)
    ]


def _dimensions(cell: Cell, names: Sequence[str]) -> Mapping[str, str]:
    return dict(zip(names, cell.values, strict=True))


def _seconds(value: float | None) -> duration_pb2.Duration | None:
    return None if value is None else duration(value)

"""What a person is told of the answer cache: where an answer came from, and what the cache did."""

from __future__ import annotations

from datetime import UTC, datetime

from aiprovider.v1 import (
    admin_service_pb2,
    analytics_service_pb2,
    routing_pb2,
)
from aiprovider.v1 import (
    completion_service_pb2 as pb,
)

from aiprovider_client.cli.tables import (
    NOTHING,
    duration,
    epoch_s,
    part,
    seconds,
    size,
    span,
    table,
)

_Info = routing_pb2.CacheInfo
_Stats = analytics_service_pb2.GetCacheStatsResponse
_NANO = 1_000_000_000
_ORIGINS = {
    _Info.STATUS_HIT_LOCAL: "cached in memory",
    _Info.STATUS_HIT_SHARED: "cached in the shared cache",
    _Info.STATUS_REPEATED: "repeated for its idempotency key",
    _Info.STATUS_COALESCED: "joined an equal request in flight",
    _Info.STATUS_REFRESHED: "asked anew; the cache holds this answer now",
}
_AGED = (_Info.STATUS_HIT_LOCAL, _Info.STATUS_HIT_SHARED, _Info.STATUS_REPEATED)


def origin(cache: routing_pb2.CacheInfo) -> str:
    """Empty where the answer is the provider's own, to this request."""
    told = _ORIGINS.get(cache.status, "")
    return f"{told}, {span(seconds(cache.age))} old" if cache.status in _AGED else told


def expected(explanation: pb.ExplainRouteResponse) -> str:
    """What the cache would do for a request."""
    if not explanation.cache_key:
        return "no cache key: such an answer is not kept"
    would = "would" if explanation.would_hit_cache else "would not"
    return f"cache key {explanation.cache_key}: memory {would} answer"


def stats(told: _Stats) -> str:
    lines = [_requests(told), _memory(told), _hits(told), _saved(told), _shared(told)]
    if told.HasField("since_time"):
        since = datetime.fromtimestamp(epoch_s(told.since_time), UTC)
        lines.append(f"counted since {since:%Y-%m-%d %H:%M:%S} UTC")
    return "\n".join(lines)


def invalidated(done: admin_service_pb2.InvalidateCacheResponse) -> str:
    left = f"{_counted(done.local_entries, 'answer')} left the memory of this replica"
    within, cut_off = done.takes_effect_within, done.takes_effect_cut_off_within
    if not seconds(within):
        return f"{left}; it knows of no other replicas"
    told = f"{left}; no replica takes a void one after {duration(within)}"
    if seconds(cut_off):
        told += f", one that cannot reach the shared cache after {duration(cut_off)}"
    return told


def _requests(told: _Stats) -> str:
    counts = {
        "hits in memory": told.local_hits,
        "hits in the shared cache": told.shared_hits,
        "joined a call in flight": told.coalesced,
        "repeated by idempotency key": told.repeated,
        "known failures": told.known_failures,
        "misses": told.misses,
        "refreshed on purpose": told.refreshed,
        "bypassed": told.bypassed,
    }
    total = sum(counts.values())
    return table(
        ("requests", [*counts, "all"]),
        (">count", [f"{count:,}" for count in (*counts.values(), total)]),
        (">share", [part(count / total) if total else NOTHING for count in counts.values()] + [""]),
    )


def _memory(told: _Stats) -> str:
    of = f" of {size(told.local_bytes_max)}" if told.local_bytes_max else ""
    return (
        f"memory: {_counted(told.local_entries, 'answer')}, {size(told.local_bytes)}{of};"
        f" {told.local_stores:,} stored, {told.local_evictions:,} evicted for want of room"
    )


def _hits(told: _Stats) -> str:
    known = told.HasField("mean_hit_age")
    age = span(seconds(told.mean_hit_age)) if known else NOTHING
    return (
        f"hits: mean age {age}; taken {size(told.hit_bytes)};"
        f" {told.early_refreshes:,} asked anew before their time was over"
    )


def _saved(told: _Stats) -> str:
    unpriced = f", and {told.unpriced:,} of unknown price" if told.unpriced else ""
    return (
        f"saved: {span(seconds(told.saved_duration))} of the providers' time,"
        f" ${told.saved_nano_usd / _NANO:.6f}{unpriced}"
    )


def _shared(told: _Stats) -> str:
    """`none` is the service's word for a cache that is not configured."""
    if told.shared_state == "none":
        return "shared cache: none"
    state = told.shared_state or ("ok" if told.shared_available else "not available")
    problem = f" (last problem: {told.shared_problem})" if told.shared_problem else ""
    return (
        f"shared cache: {state}{problem}; {told.shared_failures:,} lookups failed,"
        f" {told.shared_skips:,} not made, {told.shared_lost_stores:,} stores lost"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

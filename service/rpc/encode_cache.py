"""What the answer cache did, on the wire. Pure."""

from __future__ import annotations

from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.cache_stats import CacheReport
from service.rpc.values import duration, timestamp


def cache_stats(report: CacheReport) -> pb.GetCacheStatsResponse:
    counts, shared = report.counts, report.shared
    return pb.GetCacheStatsResponse(
        local_hits=counts.local_hits,
        shared_hits=counts.shared_hits,
        misses=counts.misses,
        coalesced=counts.coalesced,
        bypassed=counts.bypassed,
        refreshed=counts.refreshed,
        repeated=counts.repeated,
        known_failures=counts.known_failures,
        early_refreshes=counts.early_refreshes,
        saved_nano_usd=counts.saved_nano_usd,
        unpriced=counts.unpriced,
        saved_duration=duration(counts.saved_s),
        mean_hit_age=duration(counts.hit_age_s / counts.hits) if counts.hits else None,
        hit_bytes=counts.hit_bytes,
        since_time=timestamp(report.since),
        local_entries=report.local_entries,
        local_bytes=report.local_bytes,
        local_bytes_max=report.local_bytes_max,
        local_stores=report.local_stores,
        local_evictions=report.local_evictions,
        shared_available=shared.is_available,
        shared_state=shared.state,
        shared_problem=shared.problem,
        shared_failures=shared.failures,
        shared_lost_stores=shared.lost_stores,
        shared_skips=shared.skips,
    )

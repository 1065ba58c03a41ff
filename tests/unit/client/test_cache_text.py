"""How the answer cache is told to a person."""

from __future__ import annotations

from typing import Any

import pytest
from aiprovider.v1 import admin_service_pb2, analytics_service_pb2, routing_pb2
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider_client.cli import cache_text
from aiprovider_client.cli.tables import size

Info = routing_pb2.CacheInfo
Stats = analytics_service_pb2.GetCacheStatsResponse
Invalidated = admin_service_pb2.InvalidateCacheResponse
LEFT = "answers left the memory of this replica"
CUT_OFF = "one that cannot reach the shared cache"
SHARED = (
    "shared cache: failing (last problem: ConnectionError); 3 lookups failed, 5 not made,"
    " 1 stores lost"
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Info.STATUS_UNSPECIFIED, ""),
        (Info.STATUS_MISS, ""),
        (Info.STATUS_BYPASSED, ""),
        (Info.STATUS_HIT_LOCAL, "cached in memory, 12 s old"),
        (Info.STATUS_HIT_SHARED, "cached in the shared cache, 12 s old"),
        (Info.STATUS_REPEATED, "repeated for its idempotency key, 12 s old"),
        (Info.STATUS_COALESCED, "joined an equal request in flight"),
        (Info.STATUS_REFRESHED, "asked anew; the cache holds this answer now"),
    ],
)
def test_where_an_answer_came_from(status: Any, expected: str) -> None:
    """What was there before has an age; the provider's own answer needs no word."""
    assert expected == cache_text.origin(Info(status=status, age={"seconds": 12}))


@pytest.mark.parametrize(
    ("explanation", "expected"),
    [
        (pb.ExplainRouteResponse(), "no cache key: such an answer is not kept"),
        (
            pb.ExplainRouteResponse(cache_key="c0ffee"),
            "cache key c0ffee: memory would not answer",
        ),
        (
            pb.ExplainRouteResponse(cache_key="c0ffee", would_hit_cache=True),
            "cache key c0ffee: memory would answer",
        ),
    ],
)
def test_what_memory_would_do(explanation: pb.ExplainRouteResponse, expected: str) -> None:
    """The key, to make the answer void by, and whether memory has one."""
    assert expected == cache_text.expected(explanation)


def test_every_figure() -> None:
    """Each kind of request with its share of all; memory, savings and the shared cache below."""
    told = cache_text.stats(
        Stats(
            local_hits=1200,
            shared_hits=400,
            coalesced=100,
            repeated=60,
            known_failures=40,
            misses=150,
            refreshed=30,
            bypassed=20,
            local_entries=320,
            local_bytes=3 * 2**20,
            local_bytes_max=256 * 2**20,
            local_stores=350,
            local_evictions=30,
            mean_hit_age={"seconds": 42},
            hit_bytes=5 * 2**10,
            early_refreshes=7,
            saved_duration={"seconds": 5400},
            saved_nano_usd=1_234_560_000,
            unpriced=9,
            shared_state="failing",
            shared_problem="ConnectionError",
            shared_failures=3,
            shared_skips=5,
            shared_lost_stores=1,
            since_time={"seconds": 1_800_000_000},
        )
    )

    assert [
        "requests                     count   share",
        "hits in memory               1,200  60.0 %",
        "hits in the shared cache       400  20.0 %",
        "joined a call in flight        100   5.0 %",
        "repeated by idempotency key     60   3.0 %",
        "known failures                  40   2.0 %",
        "misses                         150   7.5 %",
        "refreshed on purpose            30   1.5 %",
        "bypassed                        20   1.0 %",
        "all                          2,000",
        "memory: 320 answers, 3.0 MiB of 256.0 MiB; 350 stored, 30 evicted for want of room",
        "hits: mean age 42 s; taken 5.0 KiB; 7 asked anew before their time was over",
        "saved: 90 min of the providers' time, $1.234560, and 9 of unknown price",
        SHARED,
        "counted since 2027-01-15 08:00:00 UTC",
    ] == told.splitlines()


def test_nothing_yet() -> None:
    """Without a request there are no shares, and without a hit no age."""
    told = cache_text.stats(Stats(shared_state="none"))

    lines = told.splitlines()
    assert "hits in memory                   0      -" == lines[1]
    assert "hits: mean age -; taken 0 B; 0 asked anew before their time was over" == lines[-3]
    assert "saved: 0 ms of the providers' time, $0.000000" == lines[-2]
    assert "shared cache: none" == lines[-1]


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (
            Invalidated(local_entries=1),
            "1 answer left the memory of this replica; it knows of no other replicas",
        ),
        (
            Invalidated(local_entries=2000, takes_effect_within={"nanos": 500_000_000}),
            f"2,000 {LEFT}; no replica takes a void one after 500 ms",
        ),
        (
            Invalidated(
                takes_effect_within={"seconds": 1}, takes_effect_cut_off_within={"seconds": 30}
            ),
            f"0 {LEFT}; no replica takes a void one after 1.00 s, {CUT_OFF} after 30 s",
        ),
    ],
)
def test_what_became_void(done: Invalidated, expected: str) -> None:
    """How many left at once, and when no other replica takes them any more."""
    assert expected == cache_text.invalidated(done)


def test_sizes() -> None:
    """A size is as long as a reader can use."""
    sizes = (0, 1023, 1024, 1536 * 2**10, 2**30, 5000 * 2**30)

    expected = ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "1.0 GiB", "5000.0 GiB"]
    assert expected == [size(size_bytes) for size_bytes in sizes]

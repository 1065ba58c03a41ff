"""What the answer cache did."""

from __future__ import annotations

from service.telemetry import catalogue as of
from tools.dashboards.panels import Board, lines, stacked, stat, states
from tools.dashboards.query import Where, fullest, gauge, legend, rate, share

_SERVED: Where = {of.CACHE_STATUS: '=~"hit_local|hit_shared|coalesced|repeated"'}
_SERVABLE: Where = {of.CACHE_STATUS: '=~"hit_local|hit_shared|coalesced|repeated|miss"'}
_STATES = {0: ("no", "transparent"), 1: ("yes", "blue")}


def _hit_share() -> str:
    return share(rate(of.CACHE_REQUESTS, where=_SERVED), rate(of.CACHE_REQUESTS, where=_SERVABLE))


def cache() -> Board:
    panels = [
        stat(
            "Answered without a new call",
            "Hits, joined and repeated requests, of those that might have been such.",
            _hit_share(),
            "percentunit",
        ),
        stat(
            "Memory used",
            "Of what answers may take, on the fullest replica.",
            fullest(of.CACHE_SIZE, of.CACHE_SIZE_MAX),
            "percentunit",
        ),
        stat("Answers in memory", "On all replicas.", gauge(of.CACHE_ENTRIES), "short"),
        stat(
            "Lookups in Redis that failed",
            "Per second; requests go on without.",
            rate(of.SHARED_FAILURES),
            "short",
            (("orange", 0.1),),
        ),
        stacked(
            "Requests",
            "Per second, by what the cache had to do with them.",
            [(rate(of.CACHE_REQUESTS, (of.CACHE_STATUS,)), legend(of.CACHE_STATUS))],
            "reqps",
        ),
        lines(
            "Answered without a new call",
            "Share of the requests that might have been.",
            [(_hit_share(), "share")],
            "percentunit",
        ),
        states(
            "Redis",
            "1 for the state in which the breakers before Redis are; the worst replica.",
            (gauge(of.SHARED_STATE, "max", (of.STATE,)), legend(of.STATE)),
            _STATES,
        ),
        lines(
            "Memory",
            "Size of answers in memory, on all replicas, and what it may come to.",
            [(gauge(of.CACHE_SIZE), "used"), (gauge(of.CACHE_SIZE_MAX), "at most")],
            "bytes",
        ),
        lines(
            "Stored and evicted",
            "Answers per second. Many evictions: give it more memory.",
            [(rate(of.CACHE_STORES), "stored"), (rate(of.CACHE_EVICTIONS), "had to make room")],
            "short",
        ),
        lines(
            "Redis in trouble",
            "Operations per second that failed or were left out, and answers that were not told.",
            [
                (rate(of.SHARED_FAILURES), "failed"),
                (rate(of.SHARED_SKIPS), "left out"),
                (rate(of.SHARED_LOST_STORES), "not told"),
            ],
            "short",
        ),
        lines(
            "Bytes served",
            "Size of answers that were taken from the cache, or shared.",
            [(rate(of.CACHE_HIT_BYTES), "served")],
            "Bps",
        ),
        lines(
            "Early refreshes and known failures",
            "Requests per second.",
            [
                (rate(of.CACHE_REFRESHES), "refreshed early"),
                (rate(of.CACHE_KNOWN_FAILURES), "refused as equal ones just were"),
            ],
            "reqps",
        ),
    ]
    return Board("cache", "Cache", "What the answer cache did, in memory and in Redis.", panels)

"""What has to be summed for which kind of bucket: the ledger reads nothing else."""

from __future__ import annotations

from typing import NamedTuple

from service.domain.rollup import COUNTS, Count, Kind


class Needs(NamedTuple):
    counts: frozenset[Count]
    kinds: frozenset[Kind]


_SAVINGS = frozenset(COUNTS[Count.SAVED_CACHE_NANO_USD : Count.SAVED_US + 1])
_COSTS = frozenset(COUNTS[Count.INPUT_NANO_USD :]) | {Count.ATTEMPTS}
_LATENCY = frozenset({Kind.TOTAL, Kind.FIRST_TOKEN})

USAGE = Needs(
    frozenset(COUNTS[: Count.TOTAL_US]) | frozenset(COUNTS[Count.ATTEMPTS :]),
    _LATENCY,
)
PERFORMANCE = Needs(
    frozenset({Count.REQUESTS, Count.TOTAL_US, Count.PROVIDER_US, Count.OUTPUT_TOKENS}),
    _LATENCY | {Kind.PER_TOKEN, Kind.PROVIDER, Kind.OVERHEAD, Kind.CONCURRENCY},
)
COSTS = Needs(_COSTS | _SAVINGS | {Count.REQUESTS}, frozenset())
ERRORS = Needs(
    frozenset(COUNTS[: Count.SERVICE_FAULTS + 1])
    | {Count.FAILOVERS, Count.RECOVERED, Count.ATTEMPTS, Count.FAILED_ATTEMPTS},
    frozenset({Kind.REASONS, Kind.ATTEMPT_REASONS, Kind.RECOVERY}),
)
EVERYTHING = Needs(frozenset(COUNTS), PERFORMANCE.kinds | ERRORS.kinds)

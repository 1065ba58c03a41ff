"""Which tallies each kind of bucket tells: the ledger reads no others."""

from __future__ import annotations

from service.domain.rollup import Kind

Needs = frozenset[Kind]
_LATENCY = frozenset({Kind.TOTAL, Kind.FIRST_TOKEN})

USAGE = _LATENCY
PERFORMANCE = _LATENCY | {Kind.PER_TOKEN, Kind.PROVIDER, Kind.OVERHEAD, Kind.CONCURRENCY}
COSTS: Needs = frozenset()
ERRORS = frozenset({Kind.REASONS, Kind.ATTEMPT_REASONS, Kind.RECOVERY})
EVERYTHING = PERFORMANCE | ERRORS

"""What the answer cache did, counted by tenant. Plain sums: no clock, nothing that waits."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.cache_note import CacheStatus
from service.domain.kept import Kept

TENANTS_MAX = 1000
"""Those who come later are counted together."""
_OTHERS = ""


@dataclass(slots=True)
class CacheCounts:
    """Sums for one tenant, or for several."""

    local_hits: int = 0
    shared_hits: int = 0
    misses: int = 0
    coalesced: int = 0
    bypassed: int = 0
    refreshed: int = 0
    repeated: int = 0
    early_refreshes: int = 0
    known_failures: int = 0
    unpriced: int = 0
    """Answers that were taken, and whose cost was not known."""
    saved_nano_usd: int = 0
    saved_s: float = 0.0
    """Of the provider's time."""
    hit_bytes: int = 0
    hit_age_s: float = 0.0
    """The sum of the ages of hits."""

    @property
    def hits(self) -> int:
        return self.local_hits + self.shared_hits

    def add(self, other: CacheCounts) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def saved(self, kept: Kept) -> None:
        """An answer was taken for which the provider was not asked."""
        self.hit_bytes += kept.size_bytes
        self.saved_s += kept.took_s
        if kept.cost_nano_usd is None:
            self.unpriced += 1
        else:
            self.saved_nano_usd += kept.cost_nano_usd


class CacheCounters:
    """Counted from `since` on, in seconds since the epoch. Every method costs about 1 us."""

    def __init__(self, since: float) -> None:
        self.since = since
        self._tenants: dict[str, CacheCounts] = {}

    def __repr__(self) -> str:
        total = self.total()
        return f"<CacheCounters {total.hits} hits, {total.misses} misses>"

    def of(self, tenant: str) -> CacheCounts:
        """A tenant's sums so far; zeros for one that is not known."""
        return self._tenants.get(tenant) or CacheCounts()

    def total(self) -> CacheCounts:
        total = CacheCounts()
        for counts in self._tenants.values():
            total.add(counts)
        return total

    def hit(self, tenant: str, status: CacheStatus, age_s: float, kept: Kept) -> None:
        counts = self._of(tenant)
        if status is CacheStatus.HIT_LOCAL:
            counts.local_hits += 1
        else:
            counts.shared_hits += 1
        counts.hit_age_s += age_s
        counts.saved(kept)

    def coalesced(self, tenant: str, kept: Kept) -> None:
        counts = self._of(tenant)
        counts.coalesced += 1
        counts.saved(kept)

    def repeated(self, tenant: str, kept: Kept) -> None:
        counts = self._of(tenant)
        counts.repeated += 1
        counts.saved(kept)

    def miss(self, tenant: str) -> None:
        self._of(tenant).misses += 1

    def bypassed(self, tenant: str) -> None:
        self._of(tenant).bypassed += 1

    def refreshed(self, tenant: str) -> None:
        self._of(tenant).refreshed += 1

    def early_refresh(self, tenant: str) -> None:
        self._of(tenant).early_refreshes += 1

    def known_failure(self, tenant: str) -> None:
        self._of(tenant).known_failures += 1

    def _of(self, tenant: str) -> CacheCounts:
        counts = self._tenants.get(tenant)
        if counts is None:
            if len(self._tenants) >= TENANTS_MAX:
                tenant = _OTHERS
            counts = self._tenants.setdefault(tenant, CacheCounts())
        return counts


@dataclass(frozen=True, slots=True)
class SharedState:
    """How the cache does that replicas share. `state` is `none` where there is none."""

    state: str = "none"
    problem: str = ""
    failures: int = 0
    skips: int = 0
    lost_stores: int = 0

    @property
    def is_available(self) -> bool:
        return self.state == "ok"


@dataclass(frozen=True, slots=True)
class CacheReport:
    """Sums of one tenant or all, and the sizes of the memory of this replica."""

    counts: CacheCounts
    since: float
    local_entries: int
    local_bytes: int
    local_bytes_max: int
    local_stores: int
    local_evictions: int
    shared: SharedState = SharedState()

"""What the cache did is counted by tenant, in sums that many tenants cannot make large."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.cache_note import CacheStatus
from service.domain.cache_stats import TENANTS_MAX, CacheCounters, CacheCounts
from service.domain.kept import Kept
from service.domain.provider import ModelRef

KEPT = Kept("t", "", "m", ModelRef("p", "m"), b"", 0.0, 9.0, 1.5, 0, 40, whole=b"12345")
UNPRICED = replace(KEPT, cost_nano_usd=None)
METHODS = ("miss", "bypassed", "refreshed", "early_refresh", "known_failure")


def test_what_a_hit_saves() -> None:
    """Its bytes, its age, the time and the money that it took to get; without a price no money."""
    counters = CacheCounters(0.0)
    counters.hit("t", CacheStatus.HIT_LOCAL, 10.0, KEPT)
    counters.hit("t", CacheStatus.HIT_SHARED, 2.0, UNPRICED)

    expected = CacheCounts(
        local_hits=1,
        shared_hits=1,
        unpriced=1,
        saved_nano_usd=40,
        saved_s=3.0,
        hit_bytes=10,
        hit_age_s=12.0,
    )
    assert expected == counters.of("t")


def test_what_joining_and_repeating_save() -> None:
    """They save as a hit does, and have no age."""
    counters = CacheCounters(0.0)
    counters.coalesced("t", KEPT)
    counters.repeated("t", KEPT)

    expected = CacheCounts(
        coalesced=1, repeated=1, saved_nano_usd=80, saved_s=3.0, hit_bytes=10, hit_age_s=0.0
    )
    assert expected == counters.of("t")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(METHODS))))
def test_tenants_are_apart_and_add_up(noted: list[tuple[str, str]]) -> None:
    """A tenant's sums are those of its own requests, and the total is that of all."""
    counters = CacheCounters(0.0)
    for tenant, method in noted:
        getattr(counters, method)(tenant)

    total = CacheCounts()
    for tenant in "abc":
        counts = counters.of(tenant)
        assert counts.misses == noted.count((tenant, "miss"))
        assert counts.known_failures == noted.count((tenant, "known_failure"))
        total.add(counts)
    assert total == counters.total()
    assert len(noted) == sum(getattr(total, name) for name in CacheCounts.__slots__)


def test_too_many_tenants() -> None:
    """Those who come late are counted together, and none of them sees the sums of the others."""
    counters = CacheCounters(0.0)
    for number in range(TENANTS_MAX + 50):
        counters.miss(f"t{number}")
        counters.miss(f"t{number}")

    assert 2 * (TENANTS_MAX + 50) == counters.total().misses
    assert 2 == counters.of("t0").misses
    assert 0 == counters.of(f"t{TENANTS_MAX}").misses


def test_a_tenant_that_is_not_known() -> None:
    """It has zeros, and asking leaves nothing behind."""
    counters = CacheCounters(7.0)

    assert CacheCounts() == counters.of("nobody") == counters.total()
    assert "<CacheCounters 0 hits, 0 misses>" == repr(counters)

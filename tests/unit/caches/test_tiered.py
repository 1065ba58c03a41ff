"""Two levels as one: what is void, has expired, or may be void unheard is never given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from service.caches.invalidation import REACHES_WITHIN_S, Invalidations
from service.caches.memory import Memory
from service.caches.tiered import TieredCache
from service.domain.kept import Kept, Selector
from service.domain.provider import ModelRef
from service.domain.waited import Waited
from tests.kit.virtual import Clock

KEY = b"k" * 32
KEPT = Kept("t", "", "m", ModelRef("p", "m"), b"c", 1000.0, 1300.0, 2.0, 0, None, whole=b"whole")


class Shared:
    """What replicas share, in this process."""

    def __init__(self, clock: Clock) -> None:
        self.kept: dict[bytes, Kept] = {}
        self.now = clock

    async def get(self, key: bytes, waited: Waited | None = None) -> Kept | None:
        _ = waited
        return self.kept.get(key)

    def put(self, key: bytes, kept: Kept, ttl_s: float) -> None:
        assert ttl_s > 0
        self.kept[key] = kept


@dataclass
class Tiers:
    cache: TieredCache
    invalidations: Invalidations
    shared: Shared
    clock: Clock

    def kept(self) -> Kept:
        return replace(KEPT, generation=self.cache.generation)


@pytest.fixture(name="tiers")
def _tiers() -> Tiers:
    clock = Clock()
    nobody: Any = object()
    invalidations = Invalidations("aip", lambda: nobody, cut_off_ttl_s=30.0, clock=clock)
    invalidations.heard_at = clock.now
    shared = Shared(clock)
    memory = Memory[Kept](1 << 20, 100)
    cache = TieredCache(memory, invalidations, shared, clock=clock, monotonic=clock)
    return Tiers(cache, invalidations, shared, clock)


async def test_both_levels(tiers: Tiers) -> None:
    """What is kept is in both; what only others have is in memory once it was taken."""
    kept = tiers.kept()
    tiers.cache.keep(KEY, kept)
    assert kept == tiers.cache.local(KEY) == tiers.shared.kept[KEY]

    tiers.cache.memory.clear()

    assert tiers.cache.local(KEY) is None
    assert kept == await tiers.cache.shared(KEY)
    assert kept == tiers.cache.local(KEY)


async def test_what_has_expired(tiers: Tiers) -> None:
    """At its end it is given by neither level, nor put into the shared one."""
    tiers.cache.keep(KEY, tiers.kept())
    tiers.clock.now = tiers.invalidations.heard_at = KEPT.expires_at
    tiers.cache.keep(b"2" * 32, tiers.kept())

    assert tiers.cache.local(KEY) is None
    assert await tiers.cache.shared(KEY) is None
    assert b"2" * 32 not in tiers.shared.kept


async def test_what_is_void(tiers: Tiers) -> None:
    """It is given by neither level, and leaves memory."""
    tiers.cache.keep(KEY, tiers.kept())
    with pytest.raises(Exception, match="AttributeError"):  # nobody is there to be told
        await tiers.invalidations.invalidate(Selector(tenant="t"))

    assert 1 == tiers.cache.forget_void()
    assert tiers.cache.local(KEY) is None
    assert await tiers.cache.shared(KEY) is None
    assert 0 == len(tiers.cache.memory)


async def test_while_we_hear(tiers: Tiers) -> None:
    """Age does not matter as long as we would have heard that it is void."""
    tiers.cache.keep(KEY, tiers.kept())
    tiers.clock.now += 200.0
    tiers.invalidations.heard_at = tiers.clock.now - REACHES_WITHIN_S

    assert tiers.cache.local(KEY) is not None
    assert await tiers.cache.shared(KEY) is not None


async def test_cut_off(tiers: Tiers) -> None:
    """Then both levels give only what was asked for less than 30 s ago, however late it came."""
    tiers.cache.keep(KEY, tiers.kept())
    given: list[tuple[bool, bool]] = []
    for age_s in (27.0, 29.0):
        tiers.clock.now = KEPT.made_at + age_s
        given.append(
            (tiers.cache.local(KEY) is not None, await tiers.cache.shared(KEY) is not None)
        )

    assert [(True, True), (False, False)] == given

    tiers.invalidations.heard_at = tiers.clock.now
    assert tiers.cache.local(KEY) is not None


async def test_holding_on(tiers: Tiers) -> None:
    """Answers to idempotency keys are taken however long nobody has been heard."""
    clock = tiers.clock
    memory = Memory[Kept](1 << 20, 100)
    repeats = TieredCache(memory, tiers.invalidations, holds_on=True, clock=clock, monotonic=clock)
    kept = replace(tiers.kept(), expires_at=clock.now + 3600.0)
    for cache in (tiers.cache, repeats):
        cache.keep(KEY, kept)
    clock.now += 1000.0

    assert tiers.cache.local(KEY) is None
    assert kept == repeats.local(KEY)

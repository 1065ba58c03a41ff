"""Entries are found when their time is over: all, not before, and soon."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.caches.entry import Entry
from service.caches.expiry import Expiry

WEEK_S = 604_800.0


def entry(expires_at: float) -> Entry[None]:
    return Entry(b"", None, 0, expires_at)


@given(
    now=st.floats(0, 2e9),
    lifetimes_s=st.lists(st.floats(0.001, WEEK_S), min_size=1, max_size=50),
    pause_s=st.floats(0, 2 * WEEK_S),
)
def test_finds_who_is_due(now: float, lifetimes_s: list[float], pause_s: float) -> None:
    """Nobody is due before his time, and everybody a 16th of his lifetime and 1 s after it."""
    expiry: Expiry[None] = Expiry()
    for lifetime_s in lifetimes_s:
        expiry.add(entry(now + lifetime_s), now)

    later, found = now + pause_s, list[float]()
    while (due := expiry.due(later)) is not None:
        expiry.remove(due)
        found.append(due.expires_at)

    over = [now + lifetime_s for lifetime_s in lifetimes_s if now + lifetime_s <= later]
    long_over = [
        now + lifetime_s for lifetime_s in lifetimes_s if now + lifetime_s * 17 / 16 + 1.0 <= later
    ]
    assert set(long_over) <= set(found) <= set(over)
    assert len(long_over) <= len(found) <= len(over)


def test_who_left_is_not_due() -> None:
    """An entry that was removed is not found, and those beside it are."""
    expiry: Expiry[None] = Expiry()
    entries = [entry(10.0) for _ in range(3)]
    for one in entries:
        expiry.add(one, 0.0)

    expiry.remove(entries[1])

    assert entries[0] is expiry.due(100.0)
    expiry.remove(entries[0])
    assert entries[2] is expiry.due(100.0)
    expiry.remove(entries[2])
    assert expiry.due(100.0) is None


def test_a_moment_that_was_left_is_joined_again() -> None:
    """After everybody of a moment has left, others may share it."""
    expiry: Expiry[None] = Expiry()
    first, second = entry(10.0), entry(10.0)
    expiry.add(first, 0.0)
    expiry.remove(first)
    expiry.add(second, 0.0)

    assert second is expiry.due(100.0)


def test_there_are_few_moments() -> None:
    """A day of entries with lifetimes of a second to a week shares some hundred moments."""
    rng, expiry = Random(1), Expiry[None]()
    for now in range(0, 86_400, 2):
        one = entry(now + 10 ** rng.uniform(0, 5.78))
        expiry.add(one, now)
        expiry.due(now)
        if rng.random() < 0.9:
            expiry.remove(one)
        while (due := expiry.due(now)) is not None:
            expiry.remove(due)

    count = int(repr(expiry).split()[1])
    assert count < 450

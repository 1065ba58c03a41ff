"""The first level of the cache: what it gives, for how long, and what it counts."""

from __future__ import annotations

import math

import pytest

from service.caches.memory import LARGEST_SHARE, OVERHEAD_BYTES, Memory

MIB = 1024 * 1024


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def filled(count: int, entries_max: int = 1000, lifetime_s: float = 300.0) -> Memory[int]:
    """Numbers under their keys, put at 0 s."""
    memory: Memory[int] = Memory(MIB, entries_max)
    for number in range(count):
        assert memory.put(key(number), number, 100, lifetime_s, 0.0)
    return memory


def present(memory: Memory[int], numbers: range, now: float = 0.0) -> list[int]:
    return [number for number in numbers if memory.get(key(number), now) is not None]


def test_gives_what_was_put() -> None:
    """A value is given under its key, and nothing under another one."""
    memory = filled(3)

    assert [0, 1, 2] == present(memory, range(10))
    assert 1 == memory.get(key(1), 0.0)
    assert 3 == len(memory) == memory.store_count


def test_expires_to_the_moment() -> None:
    """A value is given until just before it expires, and from then on it is gone."""
    memory = filled(1, lifetime_s=300.0)

    assert 0 == memory.get(key(0), math.nextafter(300.0, 0.0))
    assert memory.get(key(0), 300.0) is None
    assert 0 == len(memory) == memory.bytes
    assert (1, 0) == (memory.expired_count, memory.eviction_count)


@pytest.mark.parametrize("expires_at", [10.0, 9.9, math.nan])
def test_keeps_nothing_that_has_expired(expires_at: float) -> None:
    """What has expired is not kept, and what it was to replace is gone, too."""
    memory = filled(1)

    assert not memory.put(key(0), 7, 100, expires_at, 10.0)
    assert memory.get(key(0), 10.0) is None
    assert 0 == len(memory) == memory.bytes


def test_keeps_for_ever() -> None:
    """A value without an end is kept for a year at least."""
    memory: Memory[int] = Memory(MIB, 10)

    memory.put(key(0), 7, 100, math.inf, 0.0)

    assert 7 == memory.get(key(0), 365 * 86_400.0)


def test_replaces() -> None:
    """A new value takes the place of the old one, with its own size and its own time."""
    memory = filled(1)
    before = memory.bytes

    assert memory.put(key(0), 7, 150, 400.0, 1.0)
    assert 7 == memory.get(key(0), 399.0)
    assert before + 50 == memory.bytes
    assert (1, 2, 0) == (len(memory), memory.store_count, memory.eviction_count)


def test_replacing_needs_no_room_of_others() -> None:
    """In a full cache a new value of the same size makes nobody leave."""
    memory = filled(10, entries_max=10)
    memory.bytes_max = memory.bytes

    for number in range(10):
        assert memory.put(key(number), -number, 100, 300.0, 0.0)
    assert 0 == memory.eviction_count
    assert 10 == len(memory)


def test_accounts_for_keys_and_for_keeping() -> None:
    """An entry counts with its value, its key, and what it takes to keep it."""
    memory: Memory[int] = Memory(MIB, 10)

    memory.put(b"k" * 7, 1, 1000, 300.0, 0.0)

    assert 1000 + 7 + OVERHEAD_BYTES == memory.bytes


def test_refuses_the_largest() -> None:
    """A value of a quarter of all bytes is kept; a larger one is not, nor is the one before it."""
    memory = filled(1)
    largest = MIB // LARGEST_SHARE - OVERHEAD_BYTES - 32

    assert memory.put(key(0), 7, largest, 300.0, 0.0)
    assert not memory.put(key(0), 8, largest + 1, 300.0, 0.0)
    assert memory.get(key(0), 0.0) is None
    assert 0 == len(memory) == memory.bytes


@pytest.mark.parametrize(("bytes_max", "entries_max"), [(0, 10), (MIB, 0), (0, 0)])
def test_keeps_nothing_without_room(bytes_max: int, entries_max: int) -> None:
    """Without bytes, or without entries, nothing is kept, and nothing fails."""
    memory: Memory[int] = Memory(bytes_max, entries_max)

    assert not memory.put(key(0), 7, 0, 300.0, 0.0)
    assert memory.get(key(0), 0.0) is None
    assert not memory.remove(key(0))
    assert 0 == memory.clear() == memory.remove_where(lambda _key, _value: True)
    assert 0 == len(memory) == memory.bytes == memory.store_count


@pytest.mark.parametrize("left", [40, 1, 0])
def test_shrinks_at_once(left: int) -> None:
    """A smaller bound of either kind holds as soon as it is set; those who left are counted."""
    fewer, smaller = filled(100), filled(100)

    fewer.entries_max = left
    smaller.bytes_max = smaller.bytes * left // 100

    assert left == len(fewer) == len(smaller)
    assert 100 - left == fewer.eviction_count == smaller.eviction_count
    assert left == len(present(fewer, range(100))) == len(present(smaller, range(100)))


def test_grows() -> None:
    """A larger bound takes more from then on."""
    memory = filled(20, entries_max=10)

    memory.entries_max = 20
    memory.put(key(20), 20, 100, 300.0, 0.0)

    assert 11 == len(memory)
    assert (20, MIB) == (memory.entries_max, memory.bytes_max)


def test_removes() -> None:
    """What is removed is gone, once, and is neither evicted nor expired."""
    memory = filled(3)

    assert memory.remove(key(1))
    assert not memory.remove(key(1))
    assert [0, 2] == present(memory, range(3))
    assert 0 == memory.eviction_count == memory.expired_count


def test_removes_what_something_holds_for() -> None:
    """All entries for which a condition on key and value holds are gone, and no others."""
    memory = filled(100)

    count = memory.remove_where(lambda its_key, value: its_key == key(7) or value % 10 == 3)

    assert 11 == count
    assert [n for n in range(100) if n != 7 and n % 10 != 3] == present(memory, range(100))
    assert 89 * (100 + 32 + OVERHEAD_BYTES) == memory.bytes


def test_a_condition_that_fails_removes_nothing() -> None:
    """An error of the condition is the caller's, and the cache is as before."""
    memory = filled(3)

    with pytest.raises(ZeroDivisionError):
        memory.remove_where(lambda _key, value: bool(1 // (1 - value)))

    assert [0, 1, 2] == present(memory, range(3))


def test_clears() -> None:
    """After clearing it is empty and works on; the counters go on, too."""
    memory = filled(20, entries_max=10)

    assert 10 == memory.clear()
    assert 0 == len(memory) == memory.bytes
    assert memory.put(key(5), 5, 100, 300.0, 0.0)
    assert [5] == present(memory, range(20))
    assert (21, 10) == (memory.store_count, memory.eviction_count)


def test_frees_what_has_expired() -> None:
    """Each `put` frees some that have expired, soon after, though nobody asks for them."""
    memory = filled(160, lifetime_s=300.0)

    for number in range(10):
        memory.put(key(1000 + number), 1, 100, 1000.0, 320.0)

    assert 10 == len(memory)
    assert 160 == memory.expired_count


def test_expired_ones_leave_first() -> None:
    """As long as there is anyone whose time is over, nobody leaves before his time."""
    memory: Memory[int] = Memory(MIB, 100)
    for number in range(100):
        memory.put(key(number), number, 100, 10.0 if number % 2 else 1000.0, 0.0)

    # At 10 s they have expired. Within a second more that is seen without looking at them.
    for number in range(100, 150):
        memory.put(key(number), number, 100, 1000.0, 11.0)

    assert (50, 0) == (memory.expired_count, memory.eviction_count)
    assert 100 == len(memory)


def test_expired_ones_make_room_for_a_large_one() -> None:
    """They do so however many it takes, though others are older."""
    memory: Memory[int] = Memory(MIB, 1000)
    for number in range(200):
        memory.put(key(number), number, 100, 1000.0 if number < 100 else 10.0, 0.0)
    memory.bytes_max = memory.bytes

    memory.put(key(200), 200, 90 * 100, 1000.0, 11.0)

    assert list(range(100)) == present(memory, range(200), 11.0)
    assert (0, 100) == (memory.eviction_count, memory.expired_count)


def test_who_leaves_late_has_expired() -> None:
    """Who has to make room after his time was over counts as expired, even if that was unseen."""
    memory: Memory[int] = Memory(MIB, 1)
    memory.put(key(0), 0, 100, 10.5, 0.0)

    memory.put(key(1), 1, 100, 300.0, 10.6)

    assert (0, 1) == (memory.eviction_count, memory.expired_count)


def test_a_clock_may_step_back() -> None:
    """A clock that is set back prolongs what is there, and breaks nothing."""
    memory = filled(50, lifetime_s=300.0)

    for number in range(50, 100):
        memory.put(key(number), number, 100, -500.0, -1000.0)

    assert list(range(100)) == present(memory, range(100), -501.0)
    assert list(range(50)) == present(memory, range(100), -500.0)
    assert [] == present(memory, range(100), 300.0)
    assert 0 == len(memory) == memory.bytes


def test_says_how_it_is() -> None:
    """Its text is one line with what an operator wants to know."""
    memory = filled(20, entries_max=10)
    memory.get(key(19), 300.0)

    assert "<Memory 9 of 10 entries, 0.0 of 1.0 MiB, 10 evicted, 1 expired>" == repr(memory)

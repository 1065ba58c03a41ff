"""The bound in bytes is one of real memory, as the interpreter counts it."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import pytest

from service.caches.kept_size import kept_bytes
from service.caches.memory import Memory
from service.domain.kept import Kept
from tests.unit.caches.churn import MIB, Churn, kept

OVER_MAX = 1.05


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture
def traced() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def used_bytes(before: int = 0) -> int:
    return tracemalloc.get_traced_memory()[0] - before


def test_many_operations_hold_the_bounds() -> None:
    """After each of many requests neither bound is exceeded, though the cache is full.

    `Churn` looks after each. A million, with real memory as well, are in tests/soak.
    """
    churn = Churn(Memory(32 * MIB, 4_000), key_count=50_000, seed=1)

    churn.run(150_000)

    memory = churn.memory
    assert 150_000 == churn.asked_count
    assert memory.bytes >= 0.9 * memory.bytes_max
    assert min(memory.eviction_count, memory.expired_count, churn.hit_count) > 1000


@pytest.mark.parametrize(("bytes_max", "entries_max"), [(8 * MIB, 10_000), (64 * MIB, 1500)])
@pytest.mark.usefixtures("traced")
def test_real_memory_holds_the_bound(bytes_max: int, entries_max: int) -> None:
    """Of answers of all sizes real memory is never 5 % over what is accounted for."""
    memory: Memory[Kept] = Memory(bytes_max, entries_max)
    churn = Churn(memory, key_count=200_000, seed=2)
    before = used_bytes()

    for _ in range(2):
        churn.run(10_000)

        assert used_bytes(before) <= OVER_MAX * memory.bytes
    assert memory.eviction_count > 1000


@pytest.mark.parametrize("count", [1000, 10_923])
@pytest.mark.usefixtures("traced")
def test_keeping_takes_no_more_than_is_said(count: int) -> None:
    """What an entry takes besides its value is at most what is accounted for, after any churn.

    10,923 is where the dict of them is at its largest for each.
    """
    memory: Memory[None] = Memory(1024 * MIB, count)
    before = used_bytes()

    for number in range(3 * count):
        memory.put(key(number), None, 0, 300.0 + number % 97, number * 0.001)

    assert count == len(memory)
    assert 0.6 * memory.bytes <= used_bytes(before) <= memory.bytes


@pytest.mark.usefixtures("traced")
def test_many_small_ones_leave_nothing_behind() -> None:
    """After thousands of small entries have expired, large ones have all the room."""
    memory: Memory[Kept] = Memory(16 * MIB, 100_000)
    before = used_bytes()
    for number in range(11_000):
        one = kept(number, 100, 0.0, 10.0)
        memory.put(key(number), one, kept_bytes(one), 10.0, 0.0)

    for number in range(1000):
        one = kept(number, 100_000, 100.0, 300.0)
        memory.put(key(number), one, kept_bytes(one), 400.0, 100.0)

    assert memory.expired_count == 11_000
    assert memory.eviction_count > 500
    assert used_bytes(before) <= 1.01 * memory.bytes_max


def put_watched(memory: Memory[set[int]], count: int) -> list[int]:
    """Puts values under their numbers; gives a list of those that were freed, as they are."""
    freed: list[int] = []
    for number in range(count):
        value = {number}
        weakref.finalize(value, freed.append, number)
        memory.put(key(number), value, 100, 300.0 + number, 0.0)
    return freed


@pytest.mark.usefixtures("without_collector")
def test_clearing_frees_at_once() -> None:
    """What is cleared is freed then, and not when the collector comes by."""
    memory: Memory[set[int]] = Memory(MIB, 100)
    freed = put_watched(memory, 100)

    memory.clear()

    assert list(range(100)) == sorted(freed)


@pytest.mark.usefixtures("without_collector")
def test_what_leaves_is_freed_at_once() -> None:
    """So is what is evicted, replaced, removed, or has expired."""
    memory: Memory[set[int]] = Memory(MIB, 50)

    freed = put_watched(memory, 100)
    assert list(range(50)) == freed

    memory.put(key(99), set(), 100, 400.0, 0.0)
    memory.remove(key(98))
    memory.get(key(97), 1000.0)
    assert [99, 98, 97] == freed[50:]


@pytest.mark.usefixtures("without_collector")
def test_leaves_nothing_to_the_collector() -> None:
    """After any churn there is nothing that only the collector could free."""
    memory: Memory[set[int]] = Memory(MIB, 50)
    gc.collect()

    for number in range(5, 1000):
        memory.put(key(number), {number}, 100, number + 2.0 + number % 10, number)
        memory.get(key(number - 5), number)
    memory.clear()

    # The ends of the two queues that were.
    assert gc.collect() <= 2

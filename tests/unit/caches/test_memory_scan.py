"""Who leaves for want of room: not those who are asked for again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from random import Random

import pytest

from service.caches.entry import Entry
from service.caches.memory import OVERHEAD_BYTES, Memory
from service.caches.s3_fifo import HITS_MAX, S3Fifo

CAPACITY = 1000
HOT_COUNT = 300
SCAN_COUNT = 10 * CAPACITY
SIZE_BYTES = 968 - OVERHEAD_BYTES
"""With its key and what it takes to keep it, an entry takes 968 + 32 bytes."""
Ask = Callable[[bytes], bool]
"""Asks for a key, puts it if it was not there, and says whether it was."""


def key(kind: str, number: int) -> bytes:
    return f"{kind} {number}".encode().rjust(32)


def bounded_in_bytes() -> Ask:
    return asking(Memory(CAPACITY * 1000, 100 * CAPACITY))


def bounded_in_entries() -> Ask:
    return asking(Memory(CAPACITY * 100_000, CAPACITY))


def asking(memory: Memory[bool]) -> Ask:
    def ask(key: bytes) -> bool:
        there = memory.get(key, 0.0) is not None
        return there or not memory.put(key, True, SIZE_BYTES, 300.0, 0.0)

    return ask


def least_recently_used() -> Ask:
    """What most caches are."""
    there: OrderedDict[bytes, None] = OrderedDict()

    def ask(key: bytes) -> bool:
        if key in there:
            there.move_to_end(key)
            return True
        there[key] = None
        if len(there) > CAPACITY:
            there.popitem(last=False)
        return False

    return ask


def hot_ratio(ask: Ask, hot_every: int) -> float:
    """The part of hits among questions for the hot set, one for so many steps of a scan."""
    hot: Iterator[int] = iter(Random(1).choices(range(HOT_COUNT), k=SCAN_COUNT))
    for _ in range(5):
        for number in range(HOT_COUNT):
            ask(key("hot", number))
    asked_count = hit_count = 0
    for number in range(SCAN_COUNT):
        ask(key("scan", number))
        if number % hot_every == 0:
            asked_count += 1
            hit_count += ask(key("hot", next(hot)))
    return hit_count / asked_count


@pytest.mark.parametrize("cache", [bounded_in_bytes, bounded_in_entries])
def test_a_scan_does_not_wash_out_what_is_hot(cache: Callable[[], Ask]) -> None:
    """While ten times its capacity passes by, all but all of what is hot stays: 99 %.

    Of the same questions a cache that drops the least recently used answers fewer than a quarter.
    """
    assert hot_ratio(cache(), hot_every=20) >= 0.99
    assert hot_ratio(least_recently_used(), hot_every=20) < 0.25


@pytest.mark.parametrize("cache", [bounded_in_bytes, bounded_in_entries])
def test_what_is_hot_outlasts_a_scan_without_questions(cache: Callable[[], Ask]) -> None:
    """After a scan during which nobody asked for the hot set, it is there; a LRU has none of it."""
    ratios: list[float] = []
    for ask in (cache(), least_recently_used()):
        hot_ratio(ask, hot_every=SCAN_COUNT)
        ratios.append(sum(ask(key("hot", number)) for number in range(HOT_COUNT)) / HOT_COUNT)

    assert ratios[0] >= 0.95
    assert ratios[1] < 0.01


@pytest.mark.parametrize("cache", [bounded_in_bytes, bounded_in_entries])
def test_who_comes_back_stays(cache: Callable[[], Ask]) -> None:
    """Keys that come back soon after they left stay from then on, though a scan goes on."""
    ask = cache()
    for number in range(2 * CAPACITY):
        ask(key("first", number))
    back = range(CAPACITY // 2, CAPACITY // 2 + 100)

    returned = [ask(key("first", number)) for number in back]
    for number in range(2 * CAPACITY):
        ask(key("second", number))
    stayed = [ask(key("first", number)) for number in back]

    assert not any(returned)
    assert sum(stayed) > 50


def test_proven_ones_give_way_in_the_end() -> None:
    """What was hot leaves when something else is: the whole capacity turns over."""
    ask = bounded_in_bytes()
    for kind in ("old", "new"):
        for _ in range(20):
            for number in range(CAPACITY * 8 // 10):
                ask(key(kind, number))

    assert sum(ask(key("new", number)) for number in range(CAPACITY * 8 // 10)) > 750


def test_a_new_value_is_as_well_known_as_the_old_one() -> None:
    """Who is hot stays so when it gets another value: no scan washes it out."""
    memory: Memory[bool] = Memory(CAPACITY * 100_000, CAPACITY)
    ask = asking(memory)
    hot_ratio(ask, hot_every=10)
    for number in range(HOT_COUNT):
        memory.put(key("hot", number), True, SIZE_BYTES, 300.0, 0.0)

    for number in range(SCAN_COUNT):
        ask(key("another scan", number))

    assert sum(ask(key("hot", number)) for number in range(HOT_COUNT)) >= 0.95 * HOT_COUNT


def test_the_main_queue_lets_go_round_who_was_asked_for() -> None:
    """There an entry goes round once for each time it was asked for, and leaves after that."""
    queues: S3Fifo[None] = S3Fifo()
    first, second, third, fourth = entries = [
        Entry(key("main", number), None, 1, 300.0) for number in range(4)
    ]
    for entry in entries:
        queues.join(entry)
        entry.hit_count = 2

    left = [queues.evict(4, 4)]
    second.hit_count = 2
    left += [queues.evict(4, 4) for _ in range(2)]
    assert 1 == second.hit_count
    left.append(queues.evict(4, 4))

    assert [first, third, fourth, second] == left


def test_nobody_waits_for_a_long_search() -> None:
    """When all have been asked for often, one of them leaves after few steps all the same."""
    queues: S3Fifo[None] = S3Fifo()
    entries = [Entry(key("hot", number), None, 1, 300.0) for number in range(10_000)]
    for entry in entries:
        queues.join(entry)
        entry.hit_count = HITS_MAX

    queues.evict(10_000, 10_000)

    assert 9_999 == queues.count == queues.bytes
    assert 0 < sum(entry.hit_count < HITS_MAX for entry in entries) <= 200

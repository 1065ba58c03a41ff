"""What Redis is told goes in order, from a bounded queue; each learns once what became of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.caches.errands import (
    AT_ONCE_BYTES_MAX,
    AT_ONCE_MAX,
    BYTES_MAX,
    ENTRIES_MAX,
    Dropped,
    Errand,
    Errands,
)
from service.redis_door import Words
from tests.kit.virtual import on_virtual_time, settled
from tests.unit.caches.lines import ScriptedLine


class World:
    def __init__(self, in_flight_max: int = 1) -> None:
        self.line = ScriptedLine()
        self.may_go = True
        self.replies: dict[int, Any] = {}
        self.errands = Errands(self.line, lambda: self.may_go, in_flight_max)

    def add(self, number: int, size_bytes: int = 0) -> bool:
        def done(reply: Any) -> None:
            assert number not in self.replies
            self.replies[number] = reply

        words = ("SET", b"key", b"%d" % number)
        return self.errands.add(Errand(lambda: words, size_bytes, done))

    @property
    def sent(self) -> list[int]:
        return [int(words[2]) for trip in self.line.trips for words in trip]


@on_virtual_time
async def test_in_order_and_together() -> None:
    """They go as they came, many in one round trip, and only one round trip at a time."""
    world = World()
    for number in range(200):
        world.add(number)
    await world.errands.settled()

    assert list(range(200)) == world.sent
    assert [AT_ONCE_MAX] * 3 + [200 - 3 * AT_ONCE_MAX] == [len(trip) for trip in world.line.trips]
    assert 1 == world.line.under_way_max
    assert dict.fromkeys(range(200), b"OK") == world.replies


@on_virtual_time
async def test_large_ones_go_by_themselves() -> None:
    """A round trip carries so many bytes, or one errand."""
    world = World()
    for number, size_bytes in enumerate([1, 2 * AT_ONCE_BYTES_MAX, 1, AT_ONCE_BYTES_MAX // 2, 1]):
        world.add(number, size_bytes)
    await world.errands.settled()

    assert [1, 1, 3] == [len(trip) for trip in world.line.trips]


@pytest.mark.parametrize(
    ("size_bytes", "most"), [(0, ENTRIES_MAX), (BYTES_MAX // 10, 10), (2 * BYTES_MAX, 1)]
)
def test_there_is_so_much_room(size_bytes: int, most: int) -> None:
    """The queue is bounded in number and in bytes; one errand always finds room."""

    @on_virtual_time
    async def check() -> None:
        world = World()
        found_room = [world.add(number, size_bytes) for number in range(most + 2)]

        assert [True] * most + [False] * 2 == found_room
        await world.errands.settled()
        assert list(range(most)) == world.sent
        assert world.add(most + 5, size_bytes)
        await world.errands.settled()

    check()


@on_virtual_time
async def test_what_fails() -> None:
    """When a round trip fails all on it get its error; the next ones go on."""
    world = World()
    world.line.fault = ConnectionError("gone")
    world.add(1)
    world.add(2)
    await world.errands.settled()
    world.line.fault = None
    world.add(3)
    await world.errands.settled()

    assert world.replies[1] is world.replies[2]
    assert isinstance(world.replies[1], ConnectionError)
    assert b"OK" == world.replies[3]


@on_virtual_time
async def test_while_nobody_is_there() -> None:
    """Nothing is sent then: all is dropped."""
    world = World()
    world.may_go = False
    world.add(1)
    world.add(2)
    await world.errands.settled()

    assert [] == world.sent
    assert all(isinstance(world.replies[number], Dropped) for number in (1, 2))


@on_virtual_time
async def test_what_takes_long_to_make() -> None:
    """A command that is made by and by keeps its place; one that cannot be made is not sent."""
    world = World()
    heard: list[Any] = []

    async def slowly() -> Words:
        await asyncio.sleep(1.0)
        return ("SET", b"key", b"1")

    def impossible() -> Words:
        raise ValueError("no")

    world.errands.add(Errand(slowly, done=heard.append))
    world.errands.add(Errand(impossible, done=heard.append))
    world.add(2)
    await world.errands.settled()

    assert [1, 2] == world.sent
    assert [b"OK", "no"] == [heard[0], str(heard[1])]


@on_virtual_time
async def test_what_comes_after_is_not_waited_for() -> None:
    """Settled means what was there before, whatever is added meanwhile."""
    world = World()
    world.add(1)
    waiting = asyncio.create_task(world.errands.settled())
    await settled()
    world.line.takes_s = 100.0
    world.add(2)
    async with asyncio.timeout(1.0):
        await waiting

    assert 1 in world.replies
    assert 2 not in world.replies
    await world.errands.aclose()


@on_virtual_time
async def test_closing() -> None:
    """When it is closed all learn that they were dropped, under way or not."""
    world = World()
    world.line.takes_s = 1.0
    for number in range(2 * AT_ONCE_MAX):
        world.add(number)
    await settled()
    await world.errands.aclose()

    assert 2 * AT_ONCE_MAX == len(world.replies)
    assert all(isinstance(reply, Dropped) for reply in world.replies.values())


@on_virtual_time
async def test_in_no_order() -> None:
    """With two at a time, what comes meanwhile does not wait for the first."""
    world = World(in_flight_max=2)
    world.line.takes_s = 1.0
    world.add(1)
    await settled()
    world.add(2)
    await settled()

    assert 2 == world.line.under_way_max
    await world.errands.aclose()

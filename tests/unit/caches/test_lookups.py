"""Lookups go together, wait a few milliseconds, and hurt nobody."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ResponseError

from service.caches.lookups import IN_FLIGHT_MAX, KEYS_MAX, Lookups
from tests.kit.virtual import now, on_virtual_time, settled
from tests.unit.caches.lines import ScriptedLine

WAIT_S = 0.005


class Verdicts:
    def __init__(self) -> None:
        self.told: list[str] = []

    def in_time(self) -> None:
        self.told.append("in time")

    def late(self, began_at: float) -> None:
        self.told.append(f"late, began at {began_at:.3f}")

    def failed(self, began_at: float, error: Exception) -> None:
        self.told.append(f"{type(error).__name__}, began at {began_at:.3f}")

    def nonsense(self, began_at: float) -> None:
        self.told.append(f"nonsense, began at {began_at:.3f}")

    def foreign(self, began_at: float) -> None:
        self.told.append(f"foreign, began at {began_at:.3f}")


class World:
    def __init__(self, *, at_once: bool = True) -> None:
        self.line = ScriptedLine()
        self.line.values = {b"%d" % number: b"value %d" % number for number in range(1000)}
        self.verdicts = Verdicts()
        self.lookups = Lookups(
            self.line,
            self.verdicts,
            WAIT_S,
            at_once=at_once,
            is_ours=lambda key, value: value == b"value " + key,
        )

    async def get(self, key: bytes) -> bytes | None:
        return await self.lookups.get(key)


@on_virtual_time
async def test_one() -> None:
    """One lookup is one GET; what is not there is None."""
    world = World()
    values = [await world.get(b"7"), await world.get(b"none")]

    assert [b"value 7", None] == values
    assert [[("GET", b"7")], [("GET", b"none")]] == world.line.trips
    assert ["in time", "in time"] == world.verdicts.told


@on_virtual_time
async def test_those_of_one_pass_go_together() -> None:
    """500 lookups at the same time are four round trips, and each gets its own value."""
    world = World()
    keys = [b"%d" % number for number in range(500)]
    values = await asyncio.gather(*map(world.get, keys))

    assert [b"value " + key for key in keys] == values
    assert [KEYS_MAX + 1] * 3 + [500 - 3 * KEYS_MAX + 1] == [
        len(words) for (words,) in world.line.trips
    ]


@on_virtual_time
async def test_in_a_cluster_each_has_a_command() -> None:
    """Keys of several slots are no MGET, but one round trip all the same."""
    world = World(at_once=False)
    values = await asyncio.gather(world.get(b"1"), world.get(b"none"), world.get(b"2"))

    assert [b"value 1", None, b"value 2"] == values
    assert [[("GET", b"1"), ("GET", b"none"), ("GET", b"2")]] == world.line.trips


@on_virtual_time
async def test_equal_ones_are_asked_once() -> None:
    """Who asks for the same key in the same pass gets the same value."""
    world = World()
    values = await asyncio.gather(*(world.get(b"1") for _ in range(500)))

    assert [b"value 1"] * 500 == values
    assert [[("GET", b"1")]] == world.line.trips


@on_virtual_time
async def test_nobody_waits_longer() -> None:
    """After the wait a lookup is a miss; the round trip ends behind, and counts once, as late."""
    world = World()
    world.line.takes_s = 0.1
    began_at = now()
    value = await world.get(b"1")
    took_s = now() - began_at
    under_way = world.line.under_way
    await asyncio.sleep(0.2)

    assert value is None
    assert WAIT_S == pytest.approx(took_s)
    assert 1 == under_way
    assert 0 == world.line.under_way
    assert ["late, began at 0.000"] == world.verdicts.told


@on_virtual_time
async def test_no_more_than_a_few_are_under_way() -> None:
    """While some are under way others wait, together; none longer than its time."""
    world = World()
    world.line.takes_s = 0.2
    took: list[float] = []

    async def ask(number: int) -> None:
        began_at = now()
        await world.get(b"%d" % number)
        took.append(now() - began_at)

    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(ask(number))
            await asyncio.sleep(0.001)

    await asyncio.sleep(1.0)

    assert WAIT_S == pytest.approx(max(took))
    assert IN_FLIGHT_MAX == world.line.under_way_max
    # What nobody waits for any more is not even sent.
    assert IN_FLIGHT_MAX == len(world.line.trips)
    assert len(world.verdicts.told) > IN_FLIGHT_MAX
    assert all("late" in told for told in world.verdicts.told)


@on_virtual_time
async def test_those_who_wait_for_a_place_go_together() -> None:
    """What is asked while all places are taken goes in one round trip when one is free."""
    world = World()
    world.line.takes_s = 0.004
    values: list[bytes | None] = []

    async def ask(number: int) -> None:
        values.append(await world.get(b"%d" % number))

    async with asyncio.TaskGroup() as group:
        for number in range(IN_FLIGHT_MAX):
            group.create_task(ask(number))
            await settled()
        # They have a millisecond left when a place is free, and then one to be answered.
        await asyncio.sleep(0.003)
        world.line.takes_s = 0.001
        for number in range(50, 60):
            group.create_task(ask(number))
            await settled()

    assert None not in values
    assert [1] * IN_FLIGHT_MAX + [10] == [len(words) - 1 for (words,) in world.line.trips]


@on_virtual_time
async def test_who_leaves_hurts_nobody() -> None:
    """Of several who ask for the same key one may be cancelled."""
    world = World()
    first, second = (asyncio.create_task(world.get(b"1")) for _ in range(2))
    await settled()
    first.cancel()

    assert b"value 1" == await second
    assert first.cancelled()


@pytest.mark.parametrize(
    ("fault", "reply", "kind"),
    [
        (ConnectionError("gone"), None, "ConnectionError"),
        (None, ConnectionError("in place of a reply"), "ConnectionError"),
        (None, 5, "nonsense"),
        (None, [b"one too few"], "nonsense"),
        (None, [b"1", 2, b"3"], "nonsense"),
    ],
)
def test_what_fails_is_a_miss(fault: Exception | None, reply: object, kind: str) -> None:
    """Whatever comes in place of values, all who wait get None, and it counts as one failure."""

    @on_virtual_time
    async def check() -> None:
        world = World()
        world.line.fault, world.line.reply = fault, reply
        values = await asyncio.gather(*(world.get(b"%d" % number) for number in range(3)))

        assert [None] * 3 == values
        assert [f"{kind}, began at 0.000"] == world.verdicts.told
        world.line.fault = world.line.reply = None
        assert b"value 1" == await world.get(b"1")

    check()


@on_virtual_time
async def test_values_of_nobody() -> None:
    """A round trip is foreign where nothing in it is ours or missing; who asked gets the values."""
    world = World()
    world.line.values |= {b"x": b"garbage", b"y": b"garbage"}
    values = [await world.get(b"x")]
    values += await asyncio.gather(world.get(b"x"), world.get(b"y"))
    values += await asyncio.gather(world.get(b"x"), world.get(b"1"))
    values += await asyncio.gather(world.get(b"x"), world.get(b"none"))

    assert [b"garbage"] * 4 + [b"value 1", b"garbage", None] == values
    assert ["foreign", "foreign", "in time", "in time"] == [
        told.partition(",")[0] for told in world.verdicts.told
    ]


@on_virtual_time
async def test_a_value_that_is_no_string() -> None:
    """What is of another type is a value that nobody of us wrote, and no failure."""
    world = World()
    world.line.reply = ResponseError("WRONGTYPE Operation against a key of another kind")
    value = await world.get(b"1")

    assert b"" == value
    assert ["foreign, began at 0.000"] == world.verdicts.told


@on_virtual_time
async def test_closing() -> None:
    """Who waits when it is closed gets None, whether it was sent or not."""
    world = World()
    world.line.takes_s = 0.004
    asking = [asyncio.create_task(world.get(b"%d" % number)) for number in range(10)]
    for _ in range(2 * IN_FLIGHT_MAX):
        asking.append(asyncio.create_task(world.get(b"x")))
        await settled()
    await world.lookups.aclose()

    assert [None] * len(asking) == await asyncio.gather(*asking)
    assert 0 == world.line.under_way

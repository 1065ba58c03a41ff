"""What watchers are told, in virtual time."""

from __future__ import annotations

import asyncio

from service.domain.breaker import Circuit
from service.domain.provider import ModelRef
from service.health.monitor import Monitor, Terms
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.vitals import Vitals
from tests.kit.virtual import now, on_virtual_time
from tests.unit.health.monitored import Scene, Watcher
from tests.unit.health.scenes import DOWN, Checkable, attempt, candidate, opened

DAY_S = 24 * 3600.0


@on_virtual_time
async def test_watching() -> None:
    """First the state of every provider, then each change of status or circuit, nothing twice."""
    scene = Scene(one=Checkable(0.2), two=Checkable(0.3, DOWN))
    scene.passive = [candidate()]
    watcher = Watcher(scene.monitor)
    await asyncio.sleep(0.1)
    first = watcher.take()
    await asyncio.sleep(10.0)
    checked = watcher.take()
    for passive in (opened(), candidate(circuit=Circuit.HALF_OPEN), candidate()):
        scene.turn(passive)
        await asyncio.sleep(0.01)
    flapped = watcher.take()
    await asyncio.sleep(10.0)
    watcher.task.cancel()

    assert [
        ("two", "unknown", "closed"),
        ("off", "disabled", "closed"),
        ("one", "healthy", "closed"),
    ] == first
    assert [("two", "unhealthy", "closed")] == checked, "its check has landed"
    assert [
        ("one", "unhealthy", "open"),
        ("one", "degraded", "half_open"),
        ("one", "healthy", "closed"),
    ] == flapped
    assert [] == watcher.told


@on_virtual_time
async def test_watching_some() -> None:
    """A watcher of one provider is told of that one, and has no other asked."""
    scene = Scene()
    watcher = Watcher(scene.monitor, ["one"])
    await asyncio.sleep(5.0)
    watcher.task.cancel()

    assert {"one"} == {provider for provider, _, _ in watcher.told}
    assert (1, 0) == scene.counts


@on_virtual_time
async def test_what_time_alone_changes() -> None:
    """Without any attempt a watcher is told, within its period, that an opening is over."""
    board = Scoreboard(now)
    monitor = Monitor(Vitals(board).read, now)
    monitor.adopt({"one": {"": Checkable(False)}}, Terms())
    board.changed.append(monitor.circuit_changed)
    for _ in range(5):
        attempt(board, ModelRef("one", "m"), Ended(0.1, DOWN))
    watcher = Watcher(monitor)
    await asyncio.sleep(8.0)
    watcher.task.cancel()

    assert [("one", "unhealthy", "open"), ("one", "degraded", "half_open")] == watcher.told


@on_virtual_time
async def test_a_slow_watcher_gets_the_latest() -> None:
    """Who reads slowly misses what lies between; nothing is kept for him."""
    scene = Scene()
    scene.passive = [candidate()]
    changes = scene.monitor.changes(["one"])
    first = await anext(changes)
    for turn in range(1001):
        scene.turn(candidate() if turn % 2 else opened())
    second = await anext(changes)
    scene.turn(candidate())
    third = await anext(changes)
    await changes.aclose()

    assert ["healthy", "unhealthy", "healthy"] == [h.status.value for h in (first, second, third)]


@on_virtual_time
async def test_a_flapping_provider_starves_no_other() -> None:
    """Each pass comes to every provider, though the first of them never rests."""
    scene = Scene(Checkable(False), Checkable(False))
    changes = scene.monitor.changes()
    told: list[str] = []
    for turn in range(3):
        scene.passive = [opened("two") if turn % 2 else candidate("two")]
        scene.monitor.circuit_changed(ModelRef("two", "m"))
        told.append((await anext(changes)).provider)
    await changes.aclose()

    assert ["two", "off", "one"] == told


@on_virtual_time
async def test_watchers_share_the_work() -> None:
    """A hundred watchers look at one summary, and have each provider asked once."""
    scene = Scene()
    watchers = [Watcher(scene.monitor) for _ in range(100)]
    await asyncio.sleep(10.5)
    for watcher in watchers:
        watcher.task.cancel()

    assert (1, 1) == scene.counts
    assert scene.look_count <= 15, "the first, each landing, each second"
    assert 1 == len({tuple(watcher.told) for watcher in watchers})


@on_virtual_time
async def test_watching_asks_seldom() -> None:
    """Watching has nobody checked more often than every 5 s, though answers do not count for any
    time and a circuit changes all the time.
    """
    scene = Scene(one=Checkable(), two=Checkable())
    scene.monitor.adopt(scene.configured, Terms(ttl_s=0.0))
    watcher = Watcher(scene.monitor)
    for turn in range(3000):
        scene.turn(candidate() if turn % 2 else opened())
        await asyncio.sleep(0.01)
    watcher.task.cancel()

    assert all(5 <= count <= 7 for count in scene.counts)
    assert [("two", "unknown", "closed"), ("two", "healthy", "closed")] == [
        told for told in watcher.told if told[0] == "two"
    ][:2]


@on_virtual_time
async def test_a_provider_that_is_gone() -> None:
    """After a reload a watcher is told that what he watched is switched off, and of what is new."""
    scene = Scene()
    watcher = Watcher(scene.monitor)
    await asyncio.sleep(1.0)
    watcher.take()
    scene.monitor.adopt({"new": {}, "two": {"": Checkable(False)}}, Terms())
    await asyncio.sleep(1.0)
    watcher.task.cancel()

    assert [
        ("new", "disabled", "closed"),
        ("two", "unknown", "closed"),
        ("one", "disabled", "closed"),
    ] == watcher.told


@on_virtual_time
async def test_drain_ends_watching() -> None:
    """A drain ends all watching at once, and no report."""
    scene = Scene()
    watcher = Watcher(scene.monitor)
    report = asyncio.create_task(scene.statuses())
    await asyncio.sleep(0.1)
    scene.monitor.drain()
    await asyncio.sleep(0)
    ended = watcher.ended
    await report

    assert ended
    assert "healthy" == report.result()["one"]

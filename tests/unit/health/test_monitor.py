"""Reports and watching, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.candidate import Candidate
from service.domain.health import Status
from service.domain.provider import ModelRef
from service.health.monitor import Monitor, Terms
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.vitals import Vitals
from tests.kit.scripted import ScriptedProvider, member
from tests.kit.serving import checks_of
from tests.kit.virtual import now, on_virtual_time
from tests.unit.health.monitored import Scene, Watcher
from tests.unit.health.scenes import DOWN, Checkable, attempt, candidate, opened

DAY_S = 24 * 3600.0


@on_virtual_time
async def test_four_at_once() -> None:
    """A report on four providers of 200 ms takes 200 ms."""
    monitor = Monitor(list, now)
    monitor.adopt({name: {"": Checkable(0.2)} for name in "abcd"}, Terms())
    report = await monitor.report()

    assert pytest.approx(0.2) == now()
    assert [Status.HEALTHY] * 4 == [health.status for health in report.providers]
    assert Status.HEALTHY is report.overall
    assert not report.from_cache


@on_virtual_time
async def test_repeated() -> None:
    """A report within 30 s asks nobody, says so, and says how old it is."""
    scene = Scene()
    await scene.monitor.report()
    await asyncio.sleep(20.0)
    report = await scene.monitor.report()

    assert (1, 1) == scene.counts
    assert report.from_cache
    assert pytest.approx((20.2, 0.2)) == (report.at, report.checked_at)


@on_virtual_time
async def test_force() -> None:
    """By force they are asked now."""
    scene = Scene()
    await scene.monitor.report()
    report = await scene.monitor.report(force=True)

    assert (2, 2) == scene.counts
    assert not report.from_cache


@on_virtual_time
async def test_some_providers() -> None:
    """Only those that are asked about are asked; the others are told of as they are known."""
    scene = Scene()
    statuses = await scene.statuses(providers=["one"])

    assert (1, 0) == scene.counts
    assert {"two": "unknown", "off": "disabled", "one": "healthy"} == statuses


@on_virtual_time
async def test_nobody_to_ask() -> None:
    """A report on providers that are switched off is of now, and no repetition."""
    scene = Scene()
    await scene.monitor.report()
    report = await scene.monitor.report(providers=["off"])

    assert not report.from_cache
    assert report.at == report.checked_at


@on_virtual_time
async def test_live_traffic_counts_at_once() -> None:
    """What attempts tell is in the next report, though the checks are repeated."""
    scene = Scene()
    await scene.monitor.report()
    scene.passive = [candidate(quality=0.7)]
    report = await scene.monitor.report()

    assert report.from_cache
    assert Status.DEGRADED is report.providers[-1].status
    assert report.providers[-1].check is not None


@on_virtual_time
async def test_a_failed_check_until_an_answer() -> None:
    """A provider that does not answer its check is UNHEALTHY until it answers an attempt."""
    scene = Scene(one=Checkable(0.2, DOWN))
    scene.passive = [candidate(answered_at=0.1)]
    before = await scene.statuses()
    scene.passive = [candidate(answered_at=0.3)]
    after = await scene.statuses()

    assert ("unhealthy", "healthy") == (before["one"], after["one"])
    assert (1, 1) == scene.counts


@on_virtual_time
async def test_a_circuit_that_changes() -> None:
    """When a circuit changes its provider is checked anew; nobody else is."""
    scene = Scene()
    await scene.monitor.report()
    scene.turn(opened())
    statuses = await scene.statuses()

    assert (2, 1) == scene.counts
    assert "unhealthy" == statuses["one"], "no check closes a circuit"


@on_virtual_time
async def test_a_new_configuration() -> None:
    """After a reload the report is of the new providers, by its terms, and nothing is repeated."""
    scene = Scene()
    await scene.monitor.report()
    hangs = Checkable(1e9)
    scene.monitor.adopt({"three": {"": hangs}, "two": {"": scene.two}}, Terms(check_timeout_s=1.0))
    statuses = await scene.statuses()

    assert {"three": "unhealthy", "two": "healthy"} == statuses
    assert pytest.approx(1.2) == now()
    assert (1, 2) == scene.counts


@on_virtual_time
async def test_models() -> None:
    """Models are told of when they are asked for."""
    scene = Scene()
    scene.passive = [candidate(model="m"), candidate(model="n")]
    without = await scene.monitor.report()
    report = await scene.monitor.report(models=True)

    assert [] == list(without.models)
    assert ["m", "n"] == [health.model for health in report.models]


@on_virtual_time
async def test_idle() -> None:
    """A day in which nobody asks: nobody is asked, billed or not."""
    provider = ScriptedProvider()
    monitor = Monitor(Vitals(Scoreboard(now)).read, now)
    monitor.adopt(checks_of([member(provider)]), Terms())
    await asyncio.sleep(DAY_S)

    assert DAY_S == now()
    assert (0, []) == (provider.check_count, provider.calls)


@on_virtual_time
async def test_a_day_of_asking() -> None:
    """A day of reports every 30 s, a while of watching, a circuit that flaps, a provider that
    hangs: nothing is billed, and each is asked every 30 s at most, but for its circuit's changes.
    """
    names = ("one", "two", "three", "four")
    providers = {name: ScriptedProvider() for name in names}
    for provider in providers.values():
        provider.check_steps = (0.2,)
    providers["four"].check_steps = (1e9,)
    board = Scoreboard(now)
    monitor = Monitor(Vitals(board).read, now)
    monitor.adopt(checks_of([member(p, name) for name, p in providers.items()]), Terms())
    changes: list[ModelRef] = []
    board.changed += [monitor.circuit_changed, changes.append]
    watcher = Watcher(monitor)
    for round_number in range(int(DAY_S / 30)):
        if round_number * 30 == 960:
            watcher.task.cancel()
        for _ in range(5 if round_number % 8 == 1 else 0):
            attempt(board, ModelRef("one", "m"), Ended(0.1, DOWN))
        if round_number % 8 == 5:
            board.views([Candidate(ModelRef("one", "m"), "m")])
            attempt(board, ModelRef("one", "m"), Ended(0.1))
        await monitor.report()
        await asyncio.sleep((round_number + 1) * 30.0 - now())

    counts = [providers[name].check_count for name in names]
    assert pytest.approx(DAY_S) == now()
    assert [[]] * 4 == [provider.calls for provider in providers.values()]
    assert 3 * 360 == len(changes), "open, half-open, closed"
    assert all(1400 < count <= 2881 for count in counts[1:])
    assert counts[0] <= 2881 + len(changes)
    assert 3 * 4 <= len(watcher.told)

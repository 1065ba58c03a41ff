"""When rules are evaluated, on virtual time, and how budgets are asked of the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from service.alerts.counted import Counted
from service.alerts.evaluator import Clocks, Evaluator, Sources
from service.alerts.spending import Spending
from service.domain.alert_rules import (
    ALL,
    Budget,
    BudgetBurn,
    By,
    Holding,
    Limits,
    Period,
    ProviderDown,
    Scope,
)
from service.domain.alerts import Alert, Why
from service.domain.breaker import Circuit
from service.domain.health import ProviderHealth, Status
from service.domain.rollup import Cell, Count, LedgerAnswer, LedgerQuery, Rollup
from service.ports import LedgerUnavailable
from tests.kit.virtual import Clock, now, on_virtual_time

DAY_S = 86_400.0
NOON = 20_000 * DAY_S + DAY_S / 2
DOWN = ProviderDown("down", Limits(1.0, 0.0), Holding(60.0, 30.0), scope=Scope(By.PROVIDER))


class ScriptedLedger:
    """Tells `spent` for any time, or raises it; remembers what was asked."""

    def __init__(self, spent: int | Exception = 0) -> None:
        self.spent = spent
        self.queries: list[LedgerQuery] = []
        self.labels: frozenset[str] = frozenset()

    def finest_s(self, start: float) -> int:
        return 60 if start else 86_400

    async def query(self, query: LedgerQuery) -> LedgerAnswer:
        self.queries.append(query)
        if isinstance(self.spent, Exception):
            raise self.spent
        rollup = Rollup()
        rollup.counts[Count.OUTPUT_NANO_USD] = self.spent
        cell = Cell(query.start, query.end, (), rollup)
        return LedgerAnswer((cell,), rollup, 1, query.start, query.end, query.end)


class Scene:
    """An evaluator, and what it reads and tells."""

    def __init__(self, ledger: ScriptedLedger | None = None) -> None:
        self.wall = Clock(NOON)
        self.told: list[Alert] = []
        self.healths: Sequence[ProviderHealth] = ()
        self.spending = Spending(ledger or ScriptedLedger(), self.wall)
        self.look: Callable[[], Sequence[ProviderHealth]] = lambda: self.healths
        sources = Sources(Counted(0.0), self._healths, self.spending)
        self.evaluator = Evaluator(sources, self.told.append, Clocks(now, now))

    def provider(self, status: Status, circuit: Circuit = Circuit.CLOSED) -> None:
        self.healths = (ProviderHealth("p", status, circuit),)

    def _healths(self) -> Sequence[ProviderHealth]:
        return self.look()

    @property
    def whys(self) -> list[Why]:
        return [alert.why for alert in self.told]


async def passed(scene: Scene, seconds: float) -> None:
    """Looks every 15 s; without threads, of which virtual time knows nothing."""
    until = now() + seconds
    while now() < until:
        await asyncio.sleep(15.0)
        await scene.evaluator.evaluate()


@on_virtual_time
async def test_a_provider_that_goes_down_and_comes_back() -> None:
    """It is told once it has been down for a minute, and once it has been up for half of one."""
    scene = Scene()
    scene.evaluator.adopt([DOWN], 0.0)
    scene.provider(Status.UNHEALTHY, Circuit.OPEN)

    await passed(scene, 60.0)
    early = scene.whys
    await passed(scene, 15.0)
    fired = scene.whys
    scene.provider(Status.DEGRADED, Circuit.HALF_OPEN)
    await passed(scene, 600.0)
    on_trial = scene.whys
    scene.provider(Status.HEALTHY)
    await passed(scene, 45.0)

    assert [] == early
    assert [Why.FIRED] == fired == on_trial
    assert [Why.FIRED, Why.RECOVERED] == scene.whys


@on_virtual_time
async def test_a_pause_does_not_count() -> None:
    """A process that was stopped for an hour has not seen an hour of outage."""
    scene = Scene()
    scene.evaluator.adopt([DOWN], 0.0)
    scene.provider(Status.UNHEALTHY, Circuit.OPEN)
    await passed(scene, 15.0)

    await asyncio.sleep(3600.0)
    await scene.evaluator.evaluate()

    assert [] == scene.told


@on_virtual_time
async def test_a_reload_goes_on() -> None:
    """Rules that are adopted again fire on, and are not told again."""
    scene = Scene()
    scene.evaluator.adopt([DOWN], 0.0)
    scene.provider(Status.UNHEALTHY, Circuit.OPEN)
    await passed(scene, 90.0)

    scene.evaluator.adopt([DOWN], 0.0)
    await passed(scene, 90.0)

    assert [Why.FIRED] == scene.whys
    assert [(DOWN, "provider p")] == [(rule, str(who)) for rule, who in scene.evaluator.firing()]


async def test_it_goes_on_after_a_fault() -> None:
    """What fails once is told in the log, and tried again."""
    scene = Scene()
    scene.evaluator.adopt([DOWN], 0.0)
    scene.evaluator.interval_s = 0.001
    looks = 0

    def healths() -> Any:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise ValueError("a fault")
        return ()

    scene.look = healths
    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(scene.evaluator.run())
        while looks < 5:
            await asyncio.sleep(0.001)
        task.cancel()

    assert ["alerts could not be evaluated"] == [line["event"] for line in lines]


BUDGET = Budget("b", Limits(0.8, 0.7), budget_nano_usd=100, period=Period.DAY)
BURN = BudgetBurn("b", Limits(1.0, 0.9), budget_nano_usd=100, period=Period.DAY, window_s=3600.0)


async def test_a_budget_is_asked_once_a_minute() -> None:
    """The ledger is asked for the running period, at most once a minute."""
    ledger = ScriptedLedger(90)
    scene = Scene(ledger)

    first = await scene.spending.of(BUDGET)
    scene.wall.now += 59.0
    await scene.spending.of(BUDGET)
    asked_before = len(ledger.queries)
    scene.wall.now += 1.0
    await scene.spending.of(BUDGET)

    assert first is not None
    assert 90 == first[ALL].period
    assert (1, 2) == (asked_before, len(ledger.queries))
    assert 20_000 * DAY_S == ledger.queries[0].start


async def test_a_new_day_is_asked_for_at_once() -> None:
    """What was spent yesterday is not held against today."""
    ledger = ScriptedLedger(90)
    scene = Scene(ledger)
    scene.wall.now = 20_001 * DAY_S - 1.0
    await scene.spending.of(BUDGET)

    scene.wall.now += 2.0
    await scene.spending.of(BUDGET)

    assert [20_000 * DAY_S, 20_001 * DAY_S] == [query.start for query in ledger.queries]


async def test_the_pace_is_that_of_the_window() -> None:
    """A rule that looks ahead asks for the last hour, too."""
    ledger = ScriptedLedger(10)
    scene = Scene(ledger)

    spent = await scene.spending.of(BURN)

    assert spent is not None
    assert (10, 10, 3600.0) == spent[ALL]
    assert [20_000 * DAY_S, NOON - 3600.0] == [query.start for query in ledger.queries]


async def test_a_ledger_that_does_not_answer() -> None:
    """Nothing is known then; the log says so once, and once when it answers again."""
    ledger = ScriptedLedger(LedgerUnavailable("none is kept"))
    scene = Scene(ledger)

    with structlog.testing.capture_logs() as lines:
        found = [await scene.spending.of(BUDGET)]
        scene.wall.now += 60.0
        found.append(await scene.spending.of(BUDGET))
        scene.wall.now += 60.0
        ledger.spent = 1
        found.append(await scene.spending.of(BUDGET))

    assert [None, None] == found[:2]
    assert found[2] is not None
    assert ["budgets cannot be watched: no ledger", "budgets are watched again"] == [
        line["event"] for line in lines
    ]

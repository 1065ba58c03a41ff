"""Holds what is measured against the rules, every few seconds, and hands on what is to be told.

Each replica reads its own traffic and its own view of providers; budgets are read from the ledger.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from service.alerts.counted import Counted, Readings
from service.alerts.spending import BudgetRule, Spending
from service.domain.alert_readings import WindowRule, needs, of_budget, of_health
from service.domain.alert_rules import ProviderDown, Rule, Subject
from service.domain.alerts import Alert, Book
from service.domain.health import ProviderHealth

INTERVAL_S = 15.0
PAUSES_COUNTED_MAX = 2
"""Of a longer time without a look, as of a process that was stopped, so many intervals count."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Clocks:
    """`monotonic` gives what has passed, `wall` seconds since the epoch."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Sources:
    """What rules read."""

    counted: Counted
    healths: Callable[[], Sequence[ProviderHealth]]
    """Asks nobody. On the event loop."""
    spending: Spending


class Evaluator:
    """`tell` is given every alert, in order, and must not block."""

    def __init__(
        self, sources: Sources, tell: Callable[[Alert], None], clocks: Clocks = Clocks()
    ) -> None:
        self.interval_s = INTERVAL_S
        self.book = Book()
        self.evaluated_at: float | None = None
        """When it last looked at all rules, in seconds since the epoch."""
        self._sources = sources
        self._tell = tell
        self._clocks = clocks
        self._at: float | None = None
        self._failed = False

    def __repr__(self) -> str:
        return f"<Evaluator every {self.interval_s:g} s, {self.book!r}>"

    def adopt(self, rules: Sequence[Rule], repeat_s: float) -> None:
        """Takes over rules: those that are the same keep their alerts."""
        self.book.repeat_s = repeat_s
        self._sources.counted.adopt(needs(rules))
        self._sources.spending.forget()
        for alert in self.book.adopt(rules, self._clocks.wall()):
            self._tell(alert)

    async def run(self) -> None:
        """For ever. What fails is told in the log, once, and tried again."""
        while True:
            await asyncio.sleep(self.interval_s)
            try:
                await self.evaluate()
            except Exception:  # noqa: BLE001 - to go on is worth more than any one look
                if not self._failed:
                    self._failed = True
                    _log.exception("alerts could not be evaluated")
            else:
                self._failed = False

    async def evaluate(self) -> None:
        """Looks once."""
        if not self.book.rules:
            return
        elapsed_s = self._elapsed_s()
        rules = tuple(self.book.rules.values())
        now = self._clocks.wall()
        counted = await self._counted(rules, now)
        for rule in rules:
            if rule.name in counted:
                self._step(rule, counted[rule.name], elapsed_s, now)
            elif isinstance(rule, ProviderDown):
                found = of_health(rule, self._sources.healths(), self.book.subjects(rule))
                self._step(rule, found, elapsed_s, now)
        # Last, and all at once: a ledger may take seconds not to answer.
        budgets = [rule for rule in rules if isinstance(rule, BudgetRule)]
        spent = await asyncio.gather(*(self._sources.spending.of(rule) for rule in budgets))
        for rule, found in zip(budgets, spent, strict=True):
            self._step(rule, of_budget(rule, found, now), elapsed_s, now)
        self.evaluated_at = now

    def firing(self) -> list[tuple[Rule, Subject]]:
        """What is firing now."""
        return [(rule, subject) for rule, subject, _ in self.book.firing()]

    async def _counted(self, rules: Sequence[Rule], now: float) -> dict[str, Readings]:
        windowed = [rule for rule in rules if isinstance(rule, WindowRule)]
        if not windowed:
            return {}
        # It may take milliseconds where there are many tenants: the loop goes on meanwhile.
        return await asyncio.to_thread(self._sources.counted.read, windowed, now)

    def _step(self, rule: Rule, readings: Readings, elapsed_s: float, now: float) -> None:
        if self.book.rules.get(rule.name) is not rule:
            # Another configuration came in between.
            return
        for alert in self.book.step(rule, readings, elapsed_s, now):
            self._tell(alert)

    def _elapsed_s(self) -> float:
        now = self._clocks.monotonic()
        before, self._at = self._at, now
        if before is None:
            return 0.0
        return min(now - before, PAUSES_COUNTED_MAX * self.interval_s)

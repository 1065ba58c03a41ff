"""What was spent of each budget, asked of the ledger: all replicas' spending where it is shared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from math import inf

import structlog

from service.domain.alert_readings import Spent, period
from service.domain.alert_rules import ALL, Budget, BudgetBurn, By, Subject
from service.domain.rollup import Axis, Dimension, LedgerAnswer, LedgerQuery
from service.ports import Ledger, LedgerTooMuch, LedgerUnavailable

ASKED_EVERY_S = 60.0
ANSWER_TIMEOUT_S = 10.0
_TENANTS_MAX = 1000
_AHEAD_S = 60.0
BudgetRule = Budget | BudgetBurn
BySubject = Mapping[Subject, Spent]
_log = structlog.get_logger()


class Spending:
    """`now` counts seconds since the epoch. The ledger may be replaced at any time."""

    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self.ledger = ledger
        self._now = now
        self._known: dict[BudgetRule, tuple[float, BySubject | None]] = {}
        self._is_missing = False

    def __repr__(self) -> str:
        return f"<Spending of {len(self._known)} budgets>"

    async def of(self, rule: BudgetRule) -> BySubject | None:
        """As of up to a minute ago; None where the ledger does not answer."""
        now = self._now()
        at, spent = self._known.get(rule, (-inf, None))
        # A new period begins with nothing, and at once.
        if at <= now < at + ASKED_EVERY_S and period(rule.period, at) == period(rule.period, now):
            return spent
        spent = await self._ask(rule, now)
        self._known[rule] = (now, spent)
        return spent

    def forget(self) -> None:
        """Other rules, or another ledger."""
        self._known.clear()

    async def _ask(self, rule: BudgetRule, now: float) -> BySubject | None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                spent = await self._spent(rule, now)
        except (LedgerUnavailable, LedgerTooMuch, TimeoutError) as error:
            if not self._is_missing:
                self._is_missing = True
                _log.warning("budgets cannot be watched: no ledger", error=str(error) or "too late")
            return None
        if self._is_missing:
            self._is_missing = False
            _log.info("budgets are watched again")
        return spent

    async def _spent(self, rule: BudgetRule, now: float) -> BySubject:
        start, _ = period(rule.period, now)
        so_far, _ = _by_subject(await self.ledger.query(_query(rule, start, now)), now)
        if isinstance(rule, Budget):
            return {subject: Spent(cost) for subject, cost in so_far.items()}
        answer = await self.ledger.query(_query(rule, now - rule.window_s, now))
        lately, window_s = _by_subject(answer, now)
        return {
            subject: Spent(so_far.get(subject, 0), lately.get(subject, 0), window_s)
            for subject in {*so_far, *lately}
        }


def _query(rule: BudgetRule, start: float, now: float) -> LedgerQuery:
    filters: dict[Axis, frozenset[str]] = {}
    if rule.scope.by is By.TENANT and rule.scope.names:
        filters[Dimension.TENANT] = rule.scope.names
    return LedgerQuery(
        start,
        # Nothing has ended after now: what runs is counted whole.
        now + _AHEAD_S,
        group_by=(Dimension.TENANT,) if rule.scope.by is By.TENANT else (),
        filters=filters,
        cells_max=_TENANTS_MAX,
    )


def _by_subject(answer: LedgerAnswer, now: float) -> tuple[dict[Subject, int], float]:
    """And how long ago what was summed began, as the ledger may widen it."""
    found: dict[Subject, int] = {}
    for cell in answer.cells:
        subject = Subject(By.TENANT, cell.values[0]) if cell.values else ALL
        found[subject] = cell.rollup.cost.total
    return found, max(now - answer.start, 1.0)

"""What this replica may still spend on further attempts: one budget for all its requests."""

from __future__ import annotations

from collections.abc import Callable

from service.domain.failover import RetryBudget

HEDGE_SHARE = 0.05
_HEDGES_MAX = 10.0


class Retries:
    """Retries: a fifth of the requests and 10 a second. Hedges: a twentieth of the requests."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._budget = RetryBudget(at=clock())
        self._hedges = 1.0

    def __repr__(self) -> str:
        return f"<Retries {self._budget.balance:.1f} retries, {self._hedges:.2f} hedges left>"

    def asked(self) -> None:
        """A request has come."""
        self._budget = self._budget.asked(self._clock())
        self._hedges = min(self._hedges + HEDGE_SHARE, _HEDGES_MAX)

    def retry(self) -> bool:
        """Whether one more attempt may be made; it is taken off the budget."""
        spent = self._budget.spent(self._clock())
        if spent is None:
            return False
        self._budget = spent
        return True

    def hedge(self) -> bool:
        if self._hedges < 1.0:
            return False
        self._hedges -= 1.0
        return True

"""In place of a ledger, where none is kept."""

from __future__ import annotations

from service.domain.rollup import LedgerAnswer, LedgerQuery
from service.ports import LedgerUnavailable


class Unkept:
    """Refuses every question."""

    labels: frozenset[str] = frozenset()

    async def query(self, query: LedgerQuery) -> LedgerAnswer:  # noqa: ARG002 - the port's
        raise LedgerUnavailable("this service keeps no account of the past")

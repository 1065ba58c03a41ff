"""What a store of sums must do, and the values that it is handed. Knows no store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from service.domain.rollup import Count, Key, Kind, Rollup
from service.domain.rollup_plan import Place, Plan
from service.domain.rollup_views import Row
from service.domain.sketch import Tally

ROWS_MAX = 1_000_000
"""No question sums more rows than these."""


class StoreError(Exception):
    """The store does not take or tell anything now. Its text may be logged, and told to operators.

    `remedy` says what can be done.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be added. A writer numbers its batches upwards: the same one counts once."""

    writer: str
    number: int
    rows: Mapping[Row, Rollup]


Wanted = Callable[[Place], Place | None]
"""Where a place of the plan is told; None where its tallies are not asked for."""


class Store(Protocol):
    """Every method may be called again after it failed, and raises StoreError alone."""

    async def add(self, batch: Batch) -> None:
        """All of it, or nothing of what it can tell apart: what was added counts once."""
        ...

    async def sums(self, plan: Plan, counts: Collection[Count]) -> dict[Place, list[int]]:
        """By place, as long as COUNTS; 0 where a count was not asked for."""
        ...

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Wanted
    ) -> dict[Place, dict[Kind, Tally]]:
        """By the places that `wanted` gives. The plan may be narrowed to the times asked for."""
        ...

    async def forget(self, now: float) -> None:
        """Drops what is older than is kept."""
        ...

    async def aclose(self) -> None: ...


def place_of(plan: Plan, start: int, key: Key) -> Place | None:
    """None for what the plan does not count."""
    values = plan.values(key)
    return None if values is None else Place(plan.bucket(start), values)

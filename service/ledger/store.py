"""What a store of sums must do, and the values that it is handed. Knows no store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.domain import sketch
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


class Store(Protocol):
    """Every method may be called again after it failed, and raises StoreError alone.

    `is_shared` tells whether other replicas add to it, too.
    """

    is_shared: bool

    async def add(self, batch: Batch) -> None:
        """All of it, or nothing of what it can tell apart: what was added counts once."""
        ...

    async def sums(self, plan: Plan, counts: Collection[Count]) -> dict[Place, list[int]]:
        """By place, as long as COUNTS; 0 where a count was not asked for."""
        ...

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        """Of the places that are wanted. The plan is one that was narrowed to them."""
        ...

    async def forget(self, now: float) -> None:
        """Drops what is older than is kept."""
        ...

    async def aclose(self) -> None: ...


def place_of(plan: Plan, start: int, key: Key) -> Place | None:
    """None for what the plan does not count."""
    values = plan.values(key)
    return None if values is None else Place(plan.bucket(start), values)


def tallies_of(
    packed: Mapping[Kind, Mapping[Place, Sequence[bytes]]],
) -> dict[Place, dict[Kind, Tally]]:
    """What many rows come to. Raises StoreError for what is no tally."""
    found: dict[Place, dict[Kind, Tally]] = {}
    try:
        for kind, by_place in packed.items():
            for place, blobs in by_place.items():
                found.setdefault(place, {})[kind] = sketch.sum_of(blobs)
    except ValueError:
        raise StoreError("the ledger holds what is none", "let nobody else write there") from None
    return found

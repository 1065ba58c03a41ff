"""From sums to what is told: who ranks first, who is summed up as others, which page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain import lanes
from service.domain.rollup import COUNTS, OTHER, Count, Rank, Rollup
from service.domain.rollup_plan import Place

Sums = int
"""All counts of one place, as `lanes` keep them."""

_SUMMED: Mapping[Rank, Sequence[Count]] = {
    Rank.NAME: (),
    Rank.REQUESTS: (Count.REQUESTS,),
    Rank.ATTEMPTS: (Count.ATTEMPTS,),
    Rank.ERRORS: (Count.ERRORS,),
    Rank.TOKENS: (Count.INPUT_TOKENS, Count.OUTPUT_TOKENS),
    Rank.COST: COUNTS[Count.INPUT_NANO_USD : Count.OTHER_NANO_USD + 1],
}


@dataclass(frozen=True, slots=True)
class Ranking:
    """`told` are groups in their order; others count for `rest`, if that is set."""

    told: Mapping[tuple[str, ...], int]
    rest: tuple[str, ...] | None

    def shown(self, place: Place) -> Place:
        if self.rest is None or place.values in self.told:
            return place
        return Place(place.start, self.rest)

    def order(self, place: Place) -> tuple[int, int]:
        return place.start, self.told.get(place.values, len(self.told))


def ranking(sums: Mapping[Place, Sums], rank: Rank, limit: int) -> Ranking:
    weights = _weights(sums, rank)
    names = sorted(weights, key=lambda name: (-weights[name], name))
    told = {name: number for number, name in enumerate(names[: limit or None])}
    rest = (OTHER,) * len(names[0]) if limit and len(names) > limit else None
    return Ranking(told, rest)


def _weights(sums: Mapping[Place, Sums], rank: Rank) -> dict[tuple[str, ...], float]:
    groups: dict[tuple[str, ...], Sums] = {}
    for place, number in sums.items():
        groups[place.values] = groups.get(place.values, 0) + number
    return {name: _weight(number, rank) for name, number in groups.items()}


def _weight(number: Sums, rank: Rank) -> float:
    if rank is Rank.LATENCY:
        return lanes.at(number, Count.TOTAL_US) / max(lanes.at(number, Count.REQUESTS), 1)
    return sum(lanes.at(number, count) for count in _SUMMED[rank])


def shown(sums: Mapping[Place, Sums], by: Ranking) -> Sequence[tuple[Place, Sums]]:
    """All cells, in the order of time, then of rank."""
    cells = sums if by.rest is None else _folded(sums, by)
    return sorted(cells.items(), key=lambda item: by.order(item[0]))


def _folded(sums: Mapping[Place, Sums], by: Ranking) -> Mapping[Place, Sums]:
    cells: dict[Place, Sums] = {}
    for place, number in sums.items():
        cell = by.shown(place)
        cells[cell] = cells.get(cell, 0) + number
    return cells


def rollup(number: Sums) -> Rollup:
    """With no tallies yet."""
    return Rollup(lanes.sums(number, len(COUNTS)))

"""From sums to what is told: who ranks first, who is summed up as others, which page. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import add

from service.domain.rollup import COUNTS, OTHER, Count, Rank
from service.domain.rollup_plan import Place

Sums = list[int]
_TOTAL_COST = COUNTS[Count.INPUT_NANO_USD : Count.OTHER_NANO_USD + 1]


NEEDED: Mapping[Rank, frozenset[Count]] = {
    Rank.NAME: frozenset(),
    Rank.REQUESTS: frozenset({Count.REQUESTS}),
    Rank.ATTEMPTS: frozenset({Count.ATTEMPTS}),
    Rank.ERRORS: frozenset({Count.ERRORS}),
    Rank.TOKENS: frozenset({Count.INPUT_TOKENS, Count.OUTPUT_TOKENS}),
    Rank.COST: frozenset(_TOTAL_COST),
    Rank.LATENCY: frozenset({Count.REQUESTS, Count.TOTAL_US}),
}
"""What has to be summed to rank by it: LATENCY is TOTAL_US over REQUESTS, the rest are sums."""


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
    if rank is Rank.LATENCY:
        total_us = _by_group(sums, (Count.TOTAL_US,))
        requests = _by_group(sums, (Count.REQUESTS,))
        return {name: total_us[name] / max(requests[name], 1) for name in total_us}
    return _by_group(sums, NEEDED[rank])


def _by_group(
    sums: Mapping[Place, Sums], counts: Collection[Count]
) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for place, numbers in sums.items():
        weight = sum(numbers[count] for count in counts)
        found[place.values] = found.get(place.values, 0) + weight
    return found


def shown(sums: Mapping[Place, Sums], by: Ranking) -> Sequence[tuple[Place, Sums]]:
    """All cells, in the order of time, then of rank."""
    cells = sums if by.rest is None else _folded(sums, by)
    return sorted(cells.items(), key=lambda item: by.order(item[0]))


def _folded(sums: Mapping[Place, Sums], by: Ranking) -> Mapping[Place, Sums]:
    cells: dict[Place, Sums] = {}
    for place, counts in sums.items():
        cell = by.shown(place)
        known = cells.get(cell)
        cells[cell] = counts if known is None else _added(known, counts)
    return cells


def _added(one: Sums, other: Sums) -> Sums:
    return list(map(add, one, other))


def total_of(cells: Collection[Sums]) -> Sums:
    # By column: several times as fast as cell by cell.
    return list(map(sum, zip(*cells, strict=True))) if cells else [0] * len(COUNTS)

"""From sums to what is told: who ranks first, who is summed up as others, which page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.rollup import COUNTS, OTHER, Count, Rank
from service.domain.rollup_plan import Place

Sums = list[int]
_TOTAL_COST = COUNTS[Count.INPUT_NANO_USD : Count.OTHER_NANO_USD + 1]


def _sum(*counts: Count) -> Callable[[Sums], float]:
    return lambda sums: sum(sums[count] for count in counts)


def _mean_latency(sums: Sums) -> float:
    requests = sums[Count.REQUESTS]
    return sums[Count.TOTAL_US] / requests if requests else 0.0


_WEIGHTS: Mapping[Rank, Callable[[Sums], float]] = {
    Rank.REQUESTS: _sum(Count.REQUESTS),
    Rank.ATTEMPTS: _sum(Count.ATTEMPTS),
    Rank.ERRORS: _sum(Count.ERRORS),
    Rank.TOKENS: _sum(Count.INPUT_TOKENS, Count.OUTPUT_TOKENS),
    Rank.COST: _sum(*_TOTAL_COST),
    Rank.LATENCY: _mean_latency,
}
NEEDED: Mapping[Rank, frozenset[Count]] = {
    Rank.NAME: frozenset(),
    Rank.REQUESTS: frozenset({Count.REQUESTS}),
    Rank.ATTEMPTS: frozenset({Count.ATTEMPTS}),
    Rank.ERRORS: frozenset({Count.ERRORS}),
    Rank.TOKENS: frozenset({Count.INPUT_TOKENS, Count.OUTPUT_TOKENS}),
    Rank.COST: frozenset(_TOTAL_COST),
    Rank.LATENCY: frozenset({Count.REQUESTS, Count.TOTAL_US}),
}
"""What has to be summed to rank by it."""


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
    groups: dict[tuple[str, ...], Sums] = {}
    for place, counts in sums.items():
        known = groups.get(place.values)
        groups[place.values] = counts if known is None else _added(known, counts)
    weigh = _WEIGHTS.get(rank)
    names = sorted(groups)
    if weigh is not None:
        names.sort(key=lambda name: -weigh(groups[name]))
    told = {name: number for number, name in enumerate(names[: limit or None])}
    rest = (OTHER,) * len(names[0]) if limit and len(names) > limit else None
    return Ranking(told, rest)


def shown(sums: Mapping[Place, Sums], by: Ranking) -> Sequence[tuple[Place, Sums]]:
    """All cells, in the order of time, then of rank."""
    cells: dict[Place, Sums] = {}
    for place, counts in sums.items():
        cell = by.shown(place)
        known = cells.get(cell)
        cells[cell] = counts if known is None else _added(known, counts)
    return sorted(cells.items(), key=lambda item: by.order(item[0]))


def _added(one: Sums, other: Sums) -> Sums:
    return [mine + theirs for mine, theirs in zip(one, other, strict=True)]

"""One question to a store: plans it, reads sums, ranks them, and reads tallies for what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain import sketch
from service.domain.rollup import Cell, Kind, LedgerAnswer, LedgerQuery, Rollup
from service.domain.rollup_answer import Ranking, Sums, ranking, rollup, shown
from service.domain.rollup_plan import CELLS_MAX, Place, Plan, Retention, TooMuch, plan
from service.domain.rollup_views import View
from service.domain.sketch import Tally
from service.ledger.store import Store

Tallies = Mapping[Place, Mapping[Kind, Tally]]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`views` are those that the store has."""

    store: Store
    now: float
    retention: Retention
    views: Sequence[View]

    async def answer(self, query: LedgerQuery, data_until: float) -> LedgerAnswer:
        """Raises StoreError, and TooMuch."""
        planned = self._plan(query)
        sums = await self.store.sums(planned)
        if len(sums) > CELLS_MAX:
            raise TooMuch("so many groups and steps: ask for less time, or by fewer things")
        ranked, cells, total = await asyncio.to_thread(_ranked, sums, query)
        page = cells[query.offset : query.offset + query.cells_max]
        rollups = {place: rollup(number) for place, number in page}
        if query.kinds and cells:
            await self._tally(planned, query, ranked, rollups)
            await self._tally_total(query, rollups, total)
        end = min(query.end, planned.end) if query.end >= self.now else planned.end
        told = tuple(
            Cell(place.start, min(planned.bucket_end(place.start), end), place.values, rollup)
            for place, rollup in rollups.items()
        )
        until = min(data_until, end)
        return LedgerAnswer(told, total, len(cells), planned.start, end, until)

    async def _tally(
        self, planned: Plan, query: LedgerQuery, ranked: Ranking, rollups: Mapping[Place, Rollup]
    ) -> None:
        rest = {place for place in rollups if place.values == ranked.rest}
        # Of the others there may be many: they are what is left of all.
        starts = {place.start for place in rest}
        told = {Place(start, values) for start in starts for values in ranked.told}
        told |= rollups.keys() - rest
        tallies = await self._tallies(planned, query, told)
        for place in told & rollups.keys():
            rollups[place].add_tallies(tallies.get(place, {}))
        if rest:
            wholes = {Place(start, ()) for start in starts}
            found = await self._tallies(self._plan(replace(query, group_by=())), query, wholes)
            await asyncio.to_thread(_leave, rollups, rest, found, tallies)

    async def _tally_total(
        self, query: LedgerQuery, rollups: Mapping[Place, Rollup], total: Rollup
    ) -> None:
        if not query.group_by and query.step_s is None and rollups:
            for rollup in rollups.values():
                total.add_tallies(rollup.tallies)
            return
        planned = self._plan(replace(query, group_by=(), step_s=None))
        whole = Place(planned.start, ())
        found = await self._tallies(planned, query, (whole,))
        total.add_tallies(found.get(whole, {}))

    async def _tallies(
        self, planned: Plan, query: LedgerQuery, wanted: Collection[Place]
    ) -> Tallies:
        if not wanted:
            return {}
        return await self.store.tallies(planned.narrowed(wanted), query.kinds, wanted)

    def _plan(self, query: LedgerQuery) -> Plan:
        return plan(query, self.now, self.retention, self.views)


def _ranked(
    sums: Mapping[Place, Sums], query: LedgerQuery
) -> tuple[Ranking, Sequence[tuple[Place, Sums]], Rollup]:
    ranked = ranking(sums, query.rank, query.limit)
    return ranked, shown(sums, ranked), rollup(sum(sums.values()))


def _leave(
    rollups: Mapping[Place, Rollup], rest: Collection[Place], wholes: Tallies, told: Tallies
) -> None:
    """To those that are summed up as others: what is left without those that are told."""
    for place in rest:
        parts = [tallies for cell, tallies in told.items() if cell.start == place.start]
        for kind, whole in wholes.get(Place(place.start, ()), {}).items():
            part = sketch.merged(tallies.get(kind, {}) for tallies in parts)
            rollups[place].add_tallies({kind: sketch.less(whole, part)})

"""The embedded ledger: one file, which the processes of one machine may share.

Writes go through one thread, reads through another: neither waits for the other, and the event loop
waits for none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from service.domain import sketch
from service.domain.rollup import COUNTS, Count, Kind
from service.domain.rollup_plan import Place, Plan, Retention
from service.domain.sketch import Tally
from service.ledger.sqlite_file import SqliteFile
from service.ledger.store import Batch, Wanted, place_of

T = TypeVar("T")


class SqliteStore:
    """Opens the file when it is first asked."""

    def __init__(self, file: Path, retention: Retention) -> None:
        self._file = file
        self._retention = retention
        self._writer = SqliteFile(file)
        self._reader = SqliteFile(file)
        self._writing = ThreadPoolExecutor(1, "ledger writer")
        self._reading = ThreadPoolExecutor(1, "ledger reader")

    def __repr__(self) -> str:
        return f"<SqliteStore {self._file}>"

    async def add(self, batch: Batch) -> None:
        await _on(self._writing, lambda: self._writer.add(batch))

    async def sums(self, plan: Plan, counts: Collection[Count]) -> dict[Place, list[int]]:
        return await _on(self._reading, lambda: self._sums(plan, counts))

    def _sums(self, plan: Plan, counts: Collection[Count]) -> dict[Place, list[int]]:
        wanted = sorted(counts)
        found: dict[Place, list[int]] = {}
        for start, key, sums in self._reader.sums(plan, wanted):
            place = place_of(plan, start, key)
            if place is None:
                continue
            total = found.get(place)
            if total is None:
                total = found[place] = [0] * len(COUNTS)
            for count, number in zip(wanted, sums, strict=True):
                total[count] += number
        return found

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Wanted
    ) -> dict[Place, dict[Kind, Tally]]:
        return await _on(self._reading, lambda: self._tallies(plan, kinds, wanted))

    def _tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Wanted
    ) -> dict[Place, dict[Kind, Tally]]:
        found: dict[Place, dict[Kind, Tally]] = {}
        in_order = sorted(kinds)
        for start, key, blobs in self._reader.tallies(plan, in_order):
            place = place_of(plan, start, key)
            told = None if place is None else wanted(place)
            if told is None:
                continue
            tallies = found.setdefault(told, {})
            for kind, blob in zip(in_order, blobs, strict=True):
                if blob:
                    sketch.add(tallies.setdefault(kind, {}), sketch.unpacked(blob))
        return found

    async def forget(self, now: float) -> None:
        await _on(self._writing, lambda: self._writer.forget(now, self._retention))

    async def aclose(self) -> None:
        """Waits for what is being written."""
        await _on(self._writing, self._writer.close)
        await _on(self._reading, self._reader.close)
        self._writing.shutdown(wait=False)
        self._reading.shutdown(wait=False)


async def _on(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)

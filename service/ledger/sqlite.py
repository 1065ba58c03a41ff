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

from service.domain.rollup import Kind
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Place, Plan, Retention
from service.domain.sketch import Tally
from service.ledger.sqlite_file import SqliteFile
from service.ledger.store import Batch, StoreError

T = TypeVar("T")


class SqliteStore:
    """Opens the file when it is first asked."""

    is_shared = False

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

    async def sums(self, plan: Plan) -> dict[Place, Sums]:
        return await _on(self._reading, lambda: self._reader.sums(plan))

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        return await _on(self._reading, lambda: self._reader.tallies(plan, kinds, wanted))

    async def forget(self, now: float) -> None:
        await _on(self._writing, lambda: self._writer.forget(now, self._retention))

    async def aclose(self) -> None:
        """Waits for what is being written."""
        await _on(self._writing, self._writer.close)
        await _on(self._reading, self._reader.close)
        self._writing.shutdown(wait=False)
        self._reading.shutdown(wait=False)


async def _on(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
    except RuntimeError as error:
        # A question that was being answered when the configuration changed.
        raise StoreError("the ledger was closed meanwhile") from error

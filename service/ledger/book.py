"""The ledger: hands what was recorded to its store every few seconds, and answers questions.

A store that fails costs nobody time: what it did not take is kept, and handed to it again under the
same number, so that it counts once. Nothing runs on the request path.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from service.domain.rollup import LedgerAnswer, LedgerQuery
from service.domain.rollup_plan import Retention, TooMuch
from service.domain.rollup_views import View, spread
from service.ledger.inquiry import Inquiry
from service.ledger.recorder import Recorder
from service.ledger.store import Batch, Store, StoreError
from service.ports import LedgerTooMuch, LedgerUnavailable

FORGET_EVERY_S = 3600.0
LAST_FLUSH_MAX_S = 5.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BookTerms:
    """`labels` are the keys of those that are kept."""

    flush_interval_s: float = 10.0
    retention: Retention = Retention()  # noqa: RUF009 - frozen
    labels: frozenset[str] = frozenset()

    @property
    def views(self) -> Sequence[View]:
        return [view for view in View if view is not View.LABEL or self.labels]


class Book:
    """Adopts a store, and another one, in a running loop. Without one nothing is kept.

    `tell_all` has the journal hand out what it holds; it may block, and runs on a thread.
    """

    def __init__(
        self,
        recorder: Recorder,
        tell_all: Callable[[], None] = lambda: None,
        terms: BookTerms = BookTerms(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.terms = terms
        self._recorder = recorder
        self._tell_all = tell_all
        self._clock = clock
        self._store: Store | None = None
        self._writer = secrets.token_hex(8)
        self._number = 0
        self._waiting: Batch | None = None
        self._flushing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushed_at = 0.0
        self._problem = ""
        self._lost_told = 0
        self._rounds: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        problem = f", fails: {self._problem}" if self._problem else ""
        return f"<Book in {self._store}, {self._recorder}{problem}>"

    @property
    def labels(self) -> frozenset[str]:
        return self.terms.labels

    @property
    def problem(self) -> str:
        """Why nothing is kept now; empty if all is well."""
        return self._problem

    async def adopt(self, store: Store | None) -> None:
        """Keeps what follows there, and closes the one before."""
        await self._leave()
        self._store = store
        if store is not None:
            self._rounds = asyncio.create_task(self._go_round(store), name="ledger")

    async def aclose(self) -> None:
        """What was recorded is handed over first, if the store takes it in time."""
        await self._leave()
        if self._waiting is not None:
            problem = self._problem or "it took too long"
            _log.error("the last sums of the ledger are lost", problem=problem)

    async def _leave(self) -> None:
        rounds, self._rounds = self._rounds, None
        if rounds is not None:
            rounds.cancel()
            await asyncio.wait([rounds])
        store, self._store = self._store, None
        if store is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_FLUSH_MAX_S):
                await self._flush(store)
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(LAST_FLUSH_MAX_S):
                await store.aclose()

    async def flush(self) -> None:
        """Hands over what has ended so far. Raises nothing: `problem` tells."""
        if self._store is not None:
            await self._flush(self._store)

    async def _go_round(self, store: Store) -> None:
        forget_at = 0.0
        while True:
            await asyncio.sleep(self.terms.flush_interval_s)
            await self._flush(store)
            if not self._problem and self._clock() >= forget_at:
                forget_at = self._clock() + FORGET_EVERY_S
                try:
                    await store.forget(self._clock())
                except StoreError as error:
                    _log.warning("the ledger forgets nothing", problem=str(error))

    async def _flush(self, store: Store) -> None:
        # Whoever waits for it may leave: what was taken must arrive all the same.
        task = asyncio.create_task(self._hand_over(store), name="ledger flush")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def _hand_over(self, store: Store) -> None:
        async with self._flushing:
            at = self._clock()
            await asyncio.to_thread(self._tell_all)
            try:
                if self._waiting is not None:
                    await store.add(self._waiting)
                    self._waiting = None
                if not self._recorder.is_empty:
                    self._waiting = await asyncio.to_thread(self._batch)
                    await store.add(self._waiting)
                    self._waiting = None
            except StoreError as error:
                self._failed(error)
            except Exception:  # noqa: BLE001 - a fault of ours is not the end of it
                # Were it tried for ever, nothing would be kept any more.
                self._waiting = None
                _log.exception("a part of the ledger was lost")
            else:
                self._flushed_at = at
                self._succeeded()
            self._tell_lost()

    def _batch(self) -> Batch:
        self._number += 1
        rows = spread(self._recorder.take(), self.terms.views)
        return Batch(self._writer, self._number, rows)

    def _failed(self, error: StoreError) -> None:
        problem, self._problem = self._problem, str(error)
        if problem != self._problem:
            _log.error("the ledger takes nothing", problem=str(error), remedy=error.remedy)

    def _succeeded(self) -> None:
        if self._problem:
            self._problem = ""
            _log.warning("the ledger takes everything again")

    def _tell_lost(self) -> None:
        count = self._recorder.lost_count - self._lost_told
        if count:
            self._lost_told += count
            _log.error("calls are in no ledger: too many different sums wait", count=count)

    def finest_s(self, start: float) -> int:
        """As the port says."""
        now, retention = self._clock(), self.terms.retention
        return int(retention.finest(max(start, now - retention.days_s, 0.0), now))

    async def query(self, query: LedgerQuery) -> LedgerAnswer:
        """As the port says. Raises ValueError for a step that is no multiple of a minute."""
        store = self._store
        if store is None:
            raise LedgerUnavailable("no ledger is kept: analytics.store is off")
        if not self._problem:
            await self._flush(store)
        try:
            retention, views = self.terms.retention, self.terms.views
            inquiry = Inquiry(store, self._clock(), retention, views)
            # Those of others may take as long as they keep them to themselves.
            lag_s = self.terms.flush_interval_s if store.is_shared else 0.0
            return await inquiry.answer(query, self._flushed_at - lag_s)
        except TooMuch as error:
            raise LedgerTooMuch(str(error)) from None
        except StoreError as error:
            raise LedgerUnavailable(f"the ledger does not answer: {error}") from error

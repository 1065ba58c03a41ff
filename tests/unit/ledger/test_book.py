"""When the ledger hands over what was recorded, and what it does while nobody takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
import structlog

from service.domain.rollup import Count, Kind, LedgerQuery, Rollup, merged
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Place, Plan
from service.domain.rollup_views import Resolution, View
from service.domain.sketch import Tally
from service.ledger.book import Book, BookTerms
from service.ledger.recorder import Recorder
from service.ledger.store import Batch, StoreError
from service.ports import LedgerTooMuch, LedgerUnavailable
from tests.kit.ledger import NOW, Clock, call, everything, kept_in

DAY_S = 86_400


class Fickle:
    """Takes batches, unless it has a problem; tells nothing."""

    is_shared = False

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.taken: list[Batch] = []
        self.refused: list[Batch] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_closed = False

    async def add(self, batch: Batch) -> None:
        await self.gate.wait()
        if self.problem is not None:
            self.refused.append(batch)
            raise self.problem
        self.taken.append(batch)

    async def sums(self, plan: Plan) -> dict[Place, Sums]:
        _ = plan
        if self.problem is not None:
            raise self.problem
        return {}

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        raise NotImplementedError

    async def forget(self, now: float) -> None: ...

    async def aclose(self) -> None:
        self.is_closed = True

    def requests(self) -> int:
        """How many were taken."""
        return _sum(self.taken)[Count.REQUESTS]


def _sum(batches: Collection[Batch]) -> Rollup:
    rows = [item for batch in batches for item in batch.rows.items()]
    minutes = (r for row, r in rows if (View.ALL, Resolution.MINUTE) == row[:2])
    return merged(minutes)


async def test_what_was_recorded_is_handed_over_every_interval() -> None:
    """Nobody has to ask."""
    store = Fickle()
    async with kept_in(store, flush_interval_s=0.01) as (_, recorder):
        recorder([call(), call()])
        async with asyncio.timeout(5):
            while not store.taken:
                await asyncio.sleep(0.005)

        assert 2 == store.requests()
        assert 1 == len(store.taken)


async def test_the_last_is_handed_over_at_the_end() -> None:
    """A drain loses nothing: the journal is told to hand out what it holds, first."""
    store, recorder = Fickle(), Recorder()
    late = [call()]
    book = Book(recorder, lambda: recorder([late.pop()] if late else []))
    await book.adopt(store)
    recorder([call()])

    await book.aclose()

    assert 2 == store.requests()
    assert store.is_closed


async def test_what_was_not_taken_is_kept_and_comes_again() -> None:
    """Under the same number, before what came since; the log says so once, and when it is over."""
    store = Fickle()
    with structlog.testing.capture_logs() as lines:
        async with kept_in(store) as (book, recorder):
            store.problem = StoreError("the disk is full", "make room")
            recorder([call()])
            await book.flush()
            recorder([call(), call()])
            await book.flush()
            await book.flush()
            assert "the disk is full" == book.problem
            store.problem = None
            await book.flush()

            assert "" == book.problem
    assert [1, 1, 1] == [batch.number for batch in store.refused]
    assert [1, 2] == [batch.number for batch in store.taken]
    assert store.refused[0] is store.taken[0]
    assert 3 == store.requests()
    told = [(line["event"], line.get("remedy")) for line in lines]
    assert [
        ("the ledger takes nothing", "make room"),
        ("the ledger takes everything again", None),
    ] == told


async def test_a_fault_of_ours_loses_one_part_alone() -> None:
    """Were it tried for ever, nothing would be kept any more."""
    store = Fickle()
    with structlog.testing.capture_logs() as lines:
        async with kept_in(store) as (book, recorder):
            store.problem = TypeError("a bug")
            recorder([call()])
            await book.flush()
            store.problem = None
            recorder([call(), call()])
            await book.flush()

    assert 2 == store.requests()
    assert ["a part of the ledger was lost"] == [line["event"] for line in lines]


async def test_whoever_leaves_while_it_is_handed_over_loses_nothing() -> None:
    """A caller's question may be cancelled at any moment."""
    store = Fickle()
    async with kept_in(store) as (book, recorder):
        recorder([call()])
        store.gate.clear()
        asking = asyncio.create_task(book.query(everything()))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait([asking])
        store.gate.set()
        await book.flush()

        assert 1 == store.requests()


async def test_a_store_that_hangs_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has a few seconds; then the log says that something is lost."""
    monkeypatch.setattr("service.ledger.book.LAST_FLUSH_MAX_S", 0.05)
    store, recorder = Fickle(), Recorder()
    book = Book(recorder)
    await book.adopt(store)
    recorder([call()])
    store.gate.clear()

    with structlog.testing.capture_logs() as lines:
        async with asyncio.timeout(5):
            await book.aclose()

    assert store.is_closed
    assert ["the last sums of the ledger are lost"] == [line["event"] for line in lines]


async def test_what_cannot_be_asked_says_why() -> None:
    """That no ledger is kept, that it fails, or how to ask for less."""
    store = Fickle()
    book = Book(Recorder(), clock=Clock())
    with pytest.raises(LedgerUnavailable, match=r"analytics\.store"):
        await book.query(everything())
    await book.adopt(store)
    too_fine = LedgerQuery(NOW - 30 * DAY_S, NOW, 60)
    with pytest.raises(LedgerTooMuch, match="an hour"):
        await book.query(too_fine)
    store.problem = StoreError("Redis at x: TimeoutError")
    with pytest.raises(LedgerUnavailable, match="TimeoutError"):
        await book.query(everything())
    store.problem = None
    await book.aclose()


async def test_another_store_takes_over() -> None:
    """After a reload; the one before gets what was recorded until then."""
    first, second = Fickle(), Fickle()
    recorder = Recorder()
    book = Book(recorder)
    await book.adopt(first)
    recorder([call()])
    await book.adopt(second)
    recorder([call(), call()])
    await book.aclose()

    assert (1, 2) == (first.requests(), second.requests())


def test_labels_have_a_view_where_they_are_kept() -> None:
    """Without any it would be the same as that of tenants."""
    views: Any = [BookTerms(labels=labels).views for labels in (frozenset(), frozenset({"team"}))]

    assert {View.LABEL} == set(views[1]) - set(views[0])

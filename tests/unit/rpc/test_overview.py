"""What an overview asks the ledger: everything first, and then the rest at once."""

from __future__ import annotations

import asyncio

import pytest
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.rollup import Cell, Dimension, LedgerAnswer, LedgerQuery, Rollup
from service.ports import LedgerUnavailable
from service.rpc.overview import Wanted, overview
from tests.kit.virtual import now, on_virtual_time

START, END = 1_795_600_800.0, 1_795_604_400.0
WANTED = Wanted(LedgerQuery(START, END), top=5, step_s=300)


class SlowLedger:
    """Knows of no call, and takes a second for each question; it fails at those by `failing`."""

    labels = frozenset[str]()

    def __init__(self, failing: Dimension | None = None) -> None:
        self.asked_at: list[float] = []
        self.asking_count = 0
        self._failing = failing

    def finest_s(self, start: float) -> int:
        _ = start
        return 60

    async def query(self, query: LedgerQuery) -> LedgerAnswer:
        self.asked_at.append(now())
        self.asking_count += 1
        try:
            if self._failing in query.group_by:
                await asyncio.sleep(0.5)
                raise LedgerUnavailable("gone") from OSError("no route")
            await asyncio.sleep(1.0)
        finally:
            self.asking_count -= 1
        cells = () if query.group_by else (Cell(query.start, query.end, (), Rollup()),)
        return LedgerAnswer(cells, Rollup(), len(cells), query.start, query.end, query.end)


@on_virtual_time
async def test_what_is_asked_when() -> None:
    """The first question tells where the time before begins; no other one waits for another."""
    ledger = SlowLedger()
    began = now()
    told = await overview(ledger, WANTED, END)

    assert isinstance(told, pb.GetOverviewResponse)
    assert [0.0] + [1.0] * 5 == [at - began for at in ledger.asked_at]
    assert 2.0 == now() - began


@on_virtual_time
async def test_a_failure_of_one() -> None:
    """It is told as it was raised, at once, and no other question goes on."""
    ledger = SlowLedger(failing=Dimension.MODEL)
    began = now()
    with pytest.raises(LedgerUnavailable, match="gone") as caught:
        await overview(ledger, WANTED, END)

    assert isinstance(caught.value.__cause__, OSError)
    assert 1.5 == now() - began
    assert 0 == ledger.asking_count


@on_virtual_time
async def test_who_leaves() -> None:
    """Nothing is asked any more for a caller who has left."""
    ledger = SlowLedger()
    asking = asyncio.create_task(overview(ledger, WANTED, END))
    await asyncio.sleep(1.5)
    during_count = ledger.asking_count
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert 5 == during_count
    assert 0 == ledger.asking_count

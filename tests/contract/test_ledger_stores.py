"""Every store of the ledger adds and tells the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path

import pytest

from service.domain import sketch
from service.domain.call_record import Record
from service.domain.rollup import (
    COUNTS,
    KINDS,
    OTHER,
    Axis,
    Count,
    Dimension,
    Kind,
    Label,
    LedgerAnswer,
    Rank,
    Rollup,
    merged,
)
from service.domain.rollup_plan import Retention
from service.domain.rollup_views import View, spread
from service.ledger.book import Book
from service.ledger.recorder import Recorder
from service.ledger.redis import RedisStore
from service.ledger.sqlite import SqliteStore
from service.ledger.store import Batch, Store
from tests.kit.ledger import (
    LABELS,
    NOW,
    call,
    everything,
    expected,
    kept_in,
    mixed,
    with_attempts,
)
from tests.kit.redis import RedisServer, redis_server
from tests.kit.redis_cluster import RedisCluster, redis_cluster

D = Dimension
TEAM = Label("team")
WEEK_S = 7 * 86_400
AXES: tuple[tuple[Axis, ...], ...] = (
    (),
    (D.TENANT,),
    (D.PROVIDER, D.MODEL),
    (D.STATUS, D.CACHE_STATUS),
    (D.TENANT, D.MODEL),
    (TEAM,),
    (D.METHOD, TEAM, D.TENANT),
)


@pytest.fixture(name="redis", scope="module")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(name="cluster", scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisCluster, None, None]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(name="store", params=["sqlite", "redis", "cluster"])
def _store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty one."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "ledger.sqlite3", Retention())
    server = request.getfixturevalue(request.param)
    for node in server.nodes if request.param == "cluster" else (server,):
        node.order("FLUSHALL")
    # What expired long ago by the server's clock is not kept at all.
    century = Retention(*[100 * 366 * 86_400.0] * 3)
    return RedisStore(server.terms(), "aip", century)


@pytest.fixture(name="kept")
async def _kept(store: Store) -> AsyncGenerator[tuple[Book, Recorder], None]:
    async with kept_in(store) as kept:
        yield kept


def groups(answer: LedgerAnswer) -> dict[tuple[str, ...], Rollup]:
    return {cell.values: cell.rollup for cell in answer.cells}


async def test_sums_are_those_of_the_records(kept: tuple[Book, Recorder]) -> None:
    """By any dimensions: every count and every tally, in groups and in total, in three parts."""
    book, recorder = kept
    records = mixed(1, 60, WEEK_S)
    for part in (records[:30], records[30:31], records[31:]):
        recorder(part)
        await book.flush()

    for axes in AXES:
        answer = await book.query(everything(group_by=axes, kinds=frozenset(KINDS)))

        assert expected(records, axes) == groups(answer)
        assert expected(records, ())[()] == answer.total


async def test_steps_come_to_the_whole(kept: tuple[Book, Recorder]) -> None:
    """Each record counts in the step in which it ended, at every resolution."""
    book, recorder = kept
    records = mixed(2, 40, 3600.0)
    recorder(records)

    for step_s in (60, 3600, 86_400):
        query = everything(step_s=step_s, kinds=frozenset({Kind.TOTAL}))
        answer = await book.query(replace(query, start=NOW - 7200))
        for cell in answer.cells:
            ended = [r for r in records if cell.start <= r.ended_at < cell.end]
            found = expected(ended, ())[()]
            assert found.counts == cell.rollup.counts
            assert found.tally(Kind.TOTAL) == cell.rollup.tally(Kind.TOTAL)
        assert answer.total.counts == merged(cell.rollup for cell in answer.cells).counts
        assert expected(records, ())[()].counts == answer.total.counts


async def test_filters_let_through_what_they_name(kept: tuple[Book, Recorder]) -> None:
    """Of several values any, of several dimensions all."""
    book, recorder = kept
    records = mixed(3, 60, WEEK_S)
    recorder(records)
    filters = {
        D.TENANT: frozenset({"acme", "globex"}),
        D.STATUS: frozenset({"OK"}),
        TEAM: frozenset({"red", ""}),
    }

    answer = await book.query(everything(group_by=(D.MODEL,), filters=filters))

    axes = (D.MODEL, *filters)
    let_through = {
        values: rollup
        for values, rollup in expected(records, axes).items()
        if all(value in wanted for value, wanted in zip(values[1:], filters.values(), strict=True))
    }
    sums = {
        model: merged(r for v, r in let_through.items() if v[0] == model).counts
        for (model, *_) in let_through
    }
    assert sums == {values[0]: rollup.counts for values, rollup in groups(answer).items()}
    assert answer.total.counts == merged(let_through.values()).counts


async def test_who_asks_for_a_long_name_finds_it(kept: tuple[Book, Recorder]) -> None:
    """Though no more of it is kept than fits."""
    book, recorder = kept
    long = "m" * 500
    recorder([call(target=None, model=long), call()])

    answer = await book.query(everything(filters={D.MODEL: frozenset({long})}))

    assert 1 == answer.total[Count.REQUESTS]


async def test_others_are_summed_up(kept: tuple[Book, Recorder]) -> None:
    """With their tallies; pages tell every cell once."""
    book, recorder = kept
    records = mixed(4, 60, 2 * 86_400.0)
    recorder(records)
    query = everything(
        step_s=86_400,
        group_by=(D.TENANT, D.MODEL),
        kinds=frozenset({Kind.TOTAL}),
        rank=Rank.COST,
        limit=2,
        cells_max=2,
    )

    pages = [await book.query(replace(query, offset=offset)) for offset in range(0, 10, 2)]

    cells = [cell for page in pages for cell in page.cells]
    assert {len(cells)} == {page.cells_count for page in pages}
    assert 3 == len({cell.values for cell in cells})
    assert (OTHER, OTHER) in {cell.values for cell in cells}
    whole = expected(records, ())[()]
    assert whole.counts == merged(cell.rollup for cell in cells).counts
    assert whole.tally(Kind.TOTAL) == merged(cell.rollup for cell in cells).tally(Kind.TOTAL)
    assert all(
        sketch.count(cell.rollup.tally(Kind.TOTAL)) == cell.rollup[Count.REQUESTS] for cell in cells
    )


async def test_a_batch_that_comes_again_counts_once(store: Store) -> None:
    """It may have been added though nobody said so; one of another writer is another one."""
    records: list[Record] = with_attempts(call())
    recorder = Recorder()
    recorder(records)
    rows = spread(recorder.take(), View)
    first = Batch("a", 1, rows)

    for batch in (first, first, replace(first, number=2), first, replace(first, writer="b")):
        await store.add(batch)

    async with kept_in(store) as (book, _):
        answer = await book.query(everything(kinds=frozenset({Kind.TOTAL})))
    assert 3 == answer.total[Count.REQUESTS] == answer.total[Count.ATTEMPTS]
    assert 3 == sketch.count(answer.total.tally(Kind.TOTAL))
    assert 9000 == answer.total.cost.total


async def test_large_sums_are_exact(store: Store) -> None:
    """Up to 9 million USD, to the nano-USD."""
    recorder = Recorder()
    recorder(with_attempts(call()))
    rows = spread(recorder.take(), View)
    large = 4_503_599_627_370_481
    for rollup in rows.values():
        rollup.counts[Count.OUTPUT_NANO_USD] = large
        rollup.tallies[Kind.TOTAL] = {7: 2**31 + 1, 8: 70_000, 9: 255}

    await store.add(Batch("a", 1, rows))
    await store.add(Batch("a", 2, rows))

    async with kept_in(store) as (book, _):
        answer = await book.query(everything(kinds=frozenset({Kind.TOTAL})))
    assert 2 * large == answer.total[Count.OUTPUT_NANO_USD]
    assert {7: 2**32 + 2, 8: 140_000, 9: 510} == answer.total.tally(Kind.TOTAL)


async def test_sums_below_zero_are_exact(store: Store) -> None:
    """As where routing took a dearer candidate: their neighbours are what they were."""
    recorder = Recorder()
    recorder(with_attempts(call()))
    rows = spread(recorder.take(), View)
    saved = Count.ROUTING_SAVED_NANO_USD
    for rollup in rows.values():
        rollup.counts[saved - 1 : saved + 2] = [1, -40, 1]

    await store.add(Batch("a", 1, rows))
    for rollup in rows.values():
        rollup.counts[saved] = 17
    await store.add(Batch("a", 2, rows))

    async with kept_in(store) as (book, _):
        answer = await book.query(everything(group_by=(D.TENANT,)))
    assert [1 + 1, 17 - 40, 1 + 1] == answer.total.counts[saved - 1 : saved + 2]
    assert answer.total.counts == answer.cells[0].rollup.counts


async def test_any_text_is_a_name(store: Store) -> None:
    """Whatever callers call things."""
    odd = 'a "quoted" {brace} \\ %7D\n,] äß🙂'
    async with kept_in(store) as (book, recorder):
        recorder([call(tenant=odd, labels={"team": odd}), call(tenant="}", labels={"team": "]"})])

        answer = await book.query(everything(group_by=(D.TENANT, TEAM, D.STATUS)))

    assert {(odd, odd, "OK"), ("}", "]", "OK")} == groups(answer).keys()


async def test_nothing_is_told_of_nothing(kept: tuple[Book, Recorder]) -> None:
    """An empty ledger answers with no cells, and a total of 0."""
    book, _ = kept

    answer = await book.query(everything(group_by=(D.TENANT,), kinds=frozenset(KINDS)))

    assert ((), 0) == (answer.cells, answer.cells_count)
    assert [0] * len(COUNTS) == answer.total.counts
    assert LABELS == book.labels

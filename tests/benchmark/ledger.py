"""Questions to a ledger of 30 days by the hour, 100 tenants and 20 models: `make bench-ledger`.

Prints milliseconds, the best of five, and the ratio to the bare reads: the same statements, or the
same commands, with nobody to make sense of what they give. Also what it costs to record one call.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import argparse
import asyncio
import math
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from service.domain import counting, sketch
from service.domain.rollup import (
    Dimension,
    Key,
    Kind,
    LedgerQuery,
    Rank,
    Rollup,
    merged,
)
from service.domain.rollup_plan import Plan, Retention, plan
from service.domain.rollup_views import RESOLUTIONS, Resolution, Row, View, seen_by
from service.ledger import redis_scripts, sqlite_schema
from service.ledger.book import Book, BookTerms
from service.ledger.recorder import Recorder
from service.ledger.redis import RedisStore
from service.ledger.sqlite import SqliteStore
from service.ledger.store import Batch, Store
from tests.kit.ledger import attempt, attempt_of, call, mixed
from tests.kit.redis import redis_server

HOUR_S, DAY_S = 3600, 86_400
DAYS, TENANTS, MODELS = 30, 100, 20
VIEWS = [view for view in View if view is not View.LABEL]
D = Dimension
_ROUNDS = 5
Read = Callable[[Plan, bool, LedgerQuery], Awaitable[None]]


def days(count: int, tenants: int, models: int, until: float) -> Iterator[dict[Row, Rollup]]:
    """The rows of one day after the other: by the hour and by whatever is longer.

    They are as large as they would be with ten calls an hour of each tenant to each model; views do
    not agree with each other.
    """
    rng = random.Random(1)
    keys = [
        Key(f"tenant-{tenant:03}", f"provider-{model % 4}", f"model-{model:02}", "Complete", "OK")
        for tenant in range(tenants)
        for model in range(models)
    ]
    seen = {view: sorted({seen_by(view, key) for key in keys}) for view in VIEWS}
    pools = {view: _pool(rng, 10 * len(keys) // len(seen[view])) for view in VIEWS}
    today = int(until) // DAY_S * DAY_S
    for day in range(today - count * DAY_S, today + DAY_S, DAY_S):
        rows: dict[Row, Rollup] = {}
        for view, names in seen.items():
            for resolution, pool in pools[view].items():
                begin = day + -day % resolution
                for start in range(begin, min(day + DAY_S, int(until)), resolution):
                    for key in names:
                        rows[Row(view, resolution, start, key)] = rng.choice(pool)
        yield rows


def _pool(rng: random.Random, calls: int) -> dict[Resolution, list[Rollup]]:
    """Sums of an hour with so many calls, and of longer times."""
    hour, *longer = RESOLUTIONS[1:]
    by_hour = [_rollup(rng, min(calls, 500), calls) for _ in range(max(3, 500 // calls))]
    found = {hour: by_hour}
    for resolution in longer:
        count = resolution // HOUR_S
        found[resolution] = [merged(rng.choices(by_hour, k=count)) for _ in range(10)]
    return found


def _rollup(rng: random.Random, drawn: int, calls: int) -> Rollup:
    rollup = Rollup()
    for record in mixed(rng.randrange(10**9), drawn, 60.0):
        counting.count(rollup, record)
    return merged([rollup] * max(1, calls // drawn))


def questions(now: float) -> dict[str, LedgerQuery]:
    month = LedgerQuery(now - DAYS * DAY_S, now)
    latency = frozenset({Kind.TOTAL, Kind.FIRST_TOKEN})
    one = {D.TENANT: frozenset({"tenant-042"})}
    target = (D.PROVIDER, D.MODEL)
    return {
        "all, in one sum, percentiles": replace(month, kinds=latency),
        "all, by day, percentiles": replace(month, step_s=DAY_S, kinds=latency),
        "all, by hour": replace(month, step_s=HOUR_S),
        "by tenant, the 10 dearest, percentiles": replace(
            month, group_by=(D.TENANT,), rank=Rank.COST, limit=10, kinds=latency
        ),
        "by model, percentiles": replace(month, group_by=target, kinds=latency),
        "by model and day, percentiles": replace(
            month, group_by=target, step_s=DAY_S, kinds=latency
        ),
        "by model and hour": replace(month, group_by=target, step_s=HOUR_S),
        "by status and cache": replace(month, group_by=(D.STATUS, D.CACHE_STATUS)),
        "one tenant, by model, percentiles": replace(
            month, group_by=target, filters=one, kinds=latency
        ),
        "one tenant, by model and day": replace(
            month, group_by=target, filters=one, step_s=DAY_S, kinds=latency
        ),
        "one tenant, by model and hour": replace(
            month, group_by=target, filters=one, step_s=HOUR_S
        ),
        "one tenant, by status and model": replace(
            month, group_by=(D.STATUS, D.MODEL), filters=one
        ),
        "by tenant and model, the dearest first": replace(
            month, group_by=(D.TENANT, D.MODEL), rank=Rank.COST
        ),
        "by tenant and model, percentiles": replace(
            month, group_by=(D.TENANT, D.MODEL), kinds=latency
        ),
    }


async def measure(name: str, store: Store, bare: Read, now: float) -> None:
    recorder = Recorder()
    book = Book(recorder, terms=BookTerms(3600.0), clock=lambda: now)
    await book.adopt(store)
    print(f"\n{name:42} {'ms':>8} {'bare ms':>8} {'ratio':>6} {'cells':>7}")
    for told, query in questions(now).items():
        answer = await book.query(query)
        whole = [await _ms(lambda query=query: book.query(query)) for _ in range(_ROUNDS)]
        alone = [await _ms(lambda query=query: _bare(bare, query, now)) for _ in range(_ROUNDS)]
        ms, bare_ms = min(whole), min(alone)
        print(f"{told:42} {ms:8.1f} {bare_ms:8.1f} {ms / bare_ms:6.1f} {answer.cells_count:7,}")
    await book.aclose()


async def _bare(read: Read, query: LedgerQuery, now: float) -> None:
    planned = plan(query, now, Retention(), VIEWS)
    await read(planned, False, query)
    whole = plan(replace(query, group_by=(), step_s=None), now, Retention(), VIEWS)
    if query.group_by or query.step_s is not None:
        await read(whole, False, query)
    for kinds in (planned, whole) if query.kinds else ():
        await read(kinds, True, query)


async def _ms(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return 1000.0 * (time.perf_counter() - began)


@contextmanager
def packing_once() -> Generator[None]:
    """The same few tallies are written again and again: filling is not what is measured."""
    pack, known = sketch.packed, dict[int, bytes]()

    def packed(tally: Mapping[int, int]) -> bytes:
        blob = known.get(id(tally))
        if blob is None:
            blob = known[id(tally)] = pack(tally)
        return blob

    sketch.packed = packed
    try:
        yield
    finally:
        sketch.packed = pack


async def fill(store: Store, now: float, count: int, tenants: int, models: int) -> int:
    rows_count = 0
    with packing_once():
        for number, rows in enumerate(days(count, tenants, models, now), 1):
            hourly = (row for row in rows if row.resolution is Resolution.HOUR)
            rows_count += sum(row.view is View.FULL for row in hourly)
            await store.add(Batch("bench", number, rows))
    return rows_count


def bare_sqlite(file: Path) -> Read:
    store = SqliteStore(file, Retention())
    reader = store._reader

    async def read(planned: Plan, tallies: bool, query: LedgerQuery) -> None:
        await asyncio.to_thread(_read, planned, tallies, query)

    def _read(planned: Plan, tallies: bool, query: LedgerQuery) -> None:
        with reader._open() as connection:
            for span in planned.spans:
                terms = reader._terms(connection, planned, span)
                select = (
                    sqlite_schema.select_tallies(sorted(query.kinds))
                    if tallies
                    else sqlite_schema.SELECT_SUMS
                )
                connection.execute(select, terms).fetchall()

    return read


def bare_redis(store: RedisStore) -> Read:
    async def read(planned: Plan, tallies: bool, query: LedgerQuery) -> None:
        hashes = await store._hashes(planned)
        kinds = sorted(map(int, query.kinds))
        for at in range(0, len(hashes), 64):
            part = hashes[at : at + 64]
            if tallies:
                times = [(start, end, *kinds) for _, start, end in part]
                await store._read(redis_scripts.READ_TALLIES, part, 2, times)
            else:
                await store._read(redis_scripts.READ_SUMS, part, 0)

    return read


def _size_mb(file: Path) -> float:
    return file.stat().st_size / 1e6


def record_us() -> float:
    """CPU microseconds for a call and its attempt, on the journal's thread."""
    recorder = Recorder(("team",))
    record = call(labels={"team": "red", "user": "x"}, first_token_s=0.2)
    batch = [record, attempt_of(record, attempt())] * 500
    best = math.inf
    for _ in range(20):
        began = time.process_time()
        recorder(batch)
        best = min(best, time.process_time() - began)
    return 1e6 * best / 500


async def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--days", type=int, default=DAYS)
    given.add_argument("--tenants", type=int, default=TENANTS)
    given.add_argument("--models", type=int, default=MODELS)
    given.add_argument("--store", choices=("sqlite", "redis"), action="append")
    asked = given.parse_args()
    print(f"to record a call and its attempt: {record_us():.1f} us of CPU")
    now = float(int(time.time()) // DAY_S * DAY_S + 14 * HOUR_S + 1234)
    size = now, asked.days, asked.tenants, asked.models
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "ledger.sqlite3")
        if "sqlite" in (asked.store or ("sqlite",)):
            store = SqliteStore(file, Retention())
            began = time.perf_counter()
            count = await fill(store, *size)
            took_s, size_mb = time.perf_counter() - began, _size_mb(file)
            print(f"{count:,} full rows by the hour, {size_mb:,.0f} MB, filled in {took_s:.0f} s")
            await measure("SQLite", store, bare_sqlite(file), now)
        if "redis" in (asked.store or ("redis",)):
            with redis_server(Path(folder)) as server:
                shared = RedisStore(server.terms(), "aip", Retention())
                began = time.perf_counter()
                count = await fill(shared, *size)
                took_s, size_mb = time.perf_counter() - began, server.count("used_memory") / 1e6
                print(
                    f"{count:,} full rows by the hour, {size_mb:,.0f} MB, filled in {took_s:.0f} s"
                )
                await measure("Redis", shared, bare_redis(shared), now)


if __name__ == "__main__":
    asyncio.run(main())

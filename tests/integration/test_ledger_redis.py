"""The ledger that replicas share: what becomes of it when Redis fails, and of what expires."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
import structlog

from service.domain import sketch
from service.domain.rollup import Count, Dimension, Key, Kind
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Retention
from service.domain.rollup_views import Resolution, Row, View, spread
from service.ledger import redis as module
from service.ledger import redis_layout
from service.ledger.book import Book
from service.ledger.recorder import Recorder
from service.ledger.redis import RedisStore
from service.ledger.redis_layout import hash_of, read_sums
from service.ledger.store import Batch, StoreError
from service.ports import LedgerUnavailable
from tests.kit.ledger import NOW, Clock, call, everything, expected, kept_in, mixed
from tests.kit.redis import RedisServer, redis_server

CENTURY = Retention(*[100 * 366 * 86_400.0] * 3)


@pytest.fixture(name="one_for_all", scope="module")
def _one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(name="redis")
def _redis(one_for_all: RedisServer) -> RedisServer:
    one_for_all.order("FLUSHALL")
    return one_for_all


@pytest.fixture(name="quick", autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a Redis that hangs longer than this."""
    monkeypatch.setattr(module, "TIMEOUT_S", 0.3)


@pytest.fixture(name="replicas")
async def _replicas(redis: RedisServer) -> AsyncGenerator[list[tuple[Book, Recorder]], None]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(kept_in(store_at(redis))) for _ in range(2)]


def store_at(redis: RedisServer) -> RedisStore:
    return RedisStore(redis.terms(), "aip", CENTURY)


async def test_replicas_sum_up_together(replicas: list[tuple[Book, Recorder]]) -> None:
    """At once, to the last call; each answers for all."""
    records = [mixed(seed, 20, 600.0) for seed in range(2)]

    for _ in range(2):
        for (_, recorder), mine in zip(replicas, records, strict=True):
            recorder(mine)
        await asyncio.gather(*(book.flush() for book, _ in replicas))
    kinds = frozenset({Kind.TOTAL, Kind.REASONS})
    answers = [await book.query(everything(kinds=kinds)) for book, _ in replicas]

    whole = expected((records[0] + records[1]) * 2, ())[()]
    for answer in answers:
        assert whole.counts == answer.total.counts
        assert whole.tally(Kind.TOTAL) == answer.total.tally(Kind.TOTAL)
        assert whole.reasons(Kind.REASONS) == answer.total.reasons(Kind.REASONS)


async def test_data_of_others_may_be_late(replicas: list[tuple[Book, Recorder]]) -> None:
    """By as long as they keep it to themselves."""
    book, _ = replicas[0]

    answer = await book.query(everything())

    assert NOW - book.terms.flush_interval_s == answer.data_until


@pytest.mark.parametrize("outage", ["kill", "stop", "full", "replica"])
async def test_what_redis_does_not_take_waits(redis: RedisServer, outage: str) -> None:
    """It is dead, hangs, is full, or takes nothing: questions fail, and nothing is lost."""
    begin = {"kill": redis.kill, "stop": redis.stop, "full": redis.fill, "replica": redis.demote}
    end = {
        "kill": redis.start,
        "stop": redis.resume,
        "full": redis.drain,
        "replica": redis.promote,
    }
    with structlog.testing.capture_logs() as lines:
        async with kept_in(store_at(redis)) as (book, recorder):
            await asyncio.to_thread(begin[outage])
            try:
                recorder([call()])
                await book.flush()
                recorder([call(), call()])
                await book.flush()
                assert book.problem
                if outage in ("kill", "stop"):
                    with pytest.raises(LedgerUnavailable):
                        await book.query(everything())
            finally:
                await asyncio.to_thread(end[outage])
            await book.flush()
            answer = await book.query(everything())

    assert 3 == answer.total[Count.REQUESTS]
    events = [line["event"] for line in lines]
    assert ["the ledger takes nothing", "the ledger takes everything again"] == events
    assert redis.address in lines[0]["problem"]


async def test_a_batch_that_was_half_taken_counts_once(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis went away in the middle of many commands: those that it took are known to it."""
    monkeypatch.setattr("service.ledger.redis_layout.ROWS_AT_ONCE_MAX", 3)
    monkeypatch.setattr(module, "_AT_ONCE_MAX", 7)
    store = store_at(redis)
    recorder = Recorder(["team"])
    records = mixed(5, 30, 3600.0)
    recorder(records)
    batch = Batch("a", 1, spread(recorder.take(), View))
    rounds = 0
    ask = store._ask  # pyright: ignore[reportPrivateUsage]

    async def breaks_off(part: list[tuple[object, ...]]) -> list[object]:
        nonlocal rounds
        rounds += 1
        answers = await ask(part)
        if rounds == 5:
            raise StoreError("nobody heard the answer")
        return answers

    monkeypatch.setattr(store, "_ask", breaks_off)
    with pytest.raises(StoreError, match="nobody heard"):
        await store.add(batch)

    await store.add(batch)
    await store.add(batch)

    async with kept_in(store) as (book, _):
        for axes in ((), (Dimension.TENANT,), (Dimension.STATUS,)):
            query = everything(group_by=axes, kinds=frozenset({Kind.TOTAL}))
            answer = await book.query(query)
            whole = expected(records, ())[()]
            assert whole.counts == answer.total.counts
            assert whole.tally(Kind.TOTAL) == answer.total.tally(Kind.TOTAL)


async def test_everything_expires(redis: RedisServer) -> None:
    """A while after its time, by its resolution: nothing in Redis lives for ever."""
    retention = Retention(100 * 366 * 86_400.0, 101 * 366 * 86_400.0, 102 * 366 * 86_400.0)
    store = RedisStore(redis.terms(), "aip", retention)
    recorder = Recorder()
    recorder([call()])
    await store.add(Batch("a", 1, spread(recorder.take(), View)))
    await store.aclose()

    keys = redis.ask("KEYS", "*").split(b"\r\n")[2::2]

    assert len(keys) > 3 * len(View)
    assert all(key.startswith(b"{aip:l2:") for key in keys)
    ends = {
        resolution: 366 * 86_400 * years
        for resolution, years in ((b"60", 100), (b"3600", 101), (b"21600", 101))
    }
    now_s = int(redis.ask("TIME").split(b"\r\n")[2])
    for key in keys:
        left_s = int(redis.ask("TTL", key).strip(b":\r\n"))
        resolution = key.split(b":")[3]
        kept_s = ends.get(resolution, 366 * 86_400 * 102)
        assert 0 <= left_s + now_s - NOW - kept_s <= 8 * 7 * 86_400


async def test_what_nobody_can_read_is_replaced(redis: RedisServer) -> None:
    """Were it kept, nothing could be added any more."""
    names = hash_of(Row(View.ALL, Resolution.HOUR, int(NOW), Key())).names("aip")
    async with kept_in(store_at(redis)) as (book, recorder):
        recorder([call()])
        await book.flush()
        fields = redis.ask("HKEYS", names[0]).split(b"\r\n")[2::2]
        redis.ask("HSET", names[0], fields[0], "garbage")
        redis.ask("HSET", names[2], fields[0], "garbage")
        recorder([call()])
        await book.flush()

        day = NOW // 86_400 * 86_400
        query = everything(step_s=3600, kinds=frozenset({Kind.TOTAL}))
        answer = await book.query(replace(query, start=day))

    assert 1 == answer.cells[0].rollup[Count.REQUESTS]
    assert 1 == sketch.count(answer.cells[0].rollup.tally(Kind.TOTAL))


async def test_what_nobody_can_read_is_told(redis: RedisServer) -> None:
    """As long as nothing is added there, questions fail, and say why."""
    week = hash_of(Row(View.ALL, Resolution.WEEK, int(NOW), Key()))
    async with kept_in(store_at(redis)) as (book, recorder):
        recorder([call()])
        await book.flush()
        redis.ask("HSET", week.names("aip")[0], "x", "garbage that is longer than a head")

        with pytest.raises(LedgerUnavailable, match="holds what is none"):
            await book.query(everything())


async def test_sums_are_read_beside_the_loop(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that tell of which tenants there are, too: there may be many of them."""
    readers: list[threading.Thread] = []

    def read(told: bytes, begin: int, until: int) -> Iterator[tuple[int, bytes, Sums]]:
        readers.append(threading.current_thread())
        return read_sums(told, begin, until)

    monkeypatch.setattr(redis_layout, "read_sums", read)
    async with kept_in(store_at(redis)) as (book, recorder):
        recorder([call()])
        await book.query(everything(group_by=(Dimension.TENANT, Dimension.MODEL)))

    assert readers
    assert threading.main_thread() not in readers


async def test_a_url_with_a_password_is_not_told(redis: RedisServer) -> None:
    """Neither in the log nor to who asks."""
    url = redis.url.replace("redis://", "redis://user:hidden-password@")
    store = RedisStore(replace(redis.terms(), url=url), "aip", CENTURY)
    with structlog.testing.capture_logs() as lines:
        async with kept_in(store, Clock()) as (book, recorder):
            recorder([call()])
            await book.flush()
            with pytest.raises(LedgerUnavailable) as failed:
                await book.query(everything())

    assert lines
    assert "hidden-password" not in f"{lines} {failed.value} {book!r}"

"""The ledger in a file: what a kill, a full disk and a broken file do to it."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from service.domain.rollup import Count, LedgerAnswer
from service.domain.rollup_plan import Retention
from service.domain.rollup_views import Resolution, View, spread
from service.ledger.book import Book
from service.ledger.recorder import Recorder
from service.ledger.sqlite import SqliteStore
from service.ledger.store import Batch, StoreError
from service.ports import LedgerUnavailable
from tests.kit.ledger import NOW, Clock, call, everything, kept_in, with_attempts

ROOT = Path(__file__).parents[2]
DAY_S = 86_400
INTERVAL_S = 0.2
_CHILD = f"""
import asyncio, sys, time
from pathlib import Path
from service.domain.rollup_plan import Retention
from service.ledger.sqlite import SqliteStore
from tests.kit.ledger import Clock, call, kept_in

async def main():
    store = SqliteStore(Path(sys.argv[1]), Retention())
    async with kept_in(store, Clock(), flush_interval_s={INTERVAL_S}) as (_, recorder):
        told = 0
        while told < int(sys.argv[2]):
            told += 1
            recorder([call(tenant=sys.argv[3])])
            print(told, time.monotonic(), flush=True)
            await asyncio.sleep(0.001)

asyncio.run(main())
"""


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


def child(file: Path, calls: int, tenant: str) -> subprocess.Popen[bytes]:
    """Records that many calls, one a millisecond, and tells of each, and when it was."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(file), str(calls), tenant],
        stdout=subprocess.PIPE,
        env={**kept, "PYTHONPATH": path},
    )


async def read(file: Path) -> LedgerAnswer:
    async with kept_in(SqliteStore(file, Retention())) as (book, _):
        return await book.query(everything())


async def test_a_kill_loses_one_interval_at_most(file: Path) -> None:
    """Nothing of what was recorded before it, and the file is whole."""
    with child(file, 10**6, "acme") as running:
        assert running.stdout is not None
        told = [running.stdout.readline()]
        began_at = time.monotonic()
        # Long enough for several intervals, however quick the machine is.
        while time.monotonic() < began_at + 1.5 or len(told) < 700:
            assert time.monotonic() < began_at + 20
            told.append(running.stdout.readline())
        running.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        told += running.stdout.readlines()

    answer = await read(file)

    times = [float(line.split()[1]) for line in told if line.count(b" ") == 1]
    # Twice: one that was being written, and one that was not begun, on a busy machine.
    safe = sum(at < killed_at - 2 * INTERVAL_S - 0.5 for at in times)
    assert 0 < safe <= answer.total[Count.REQUESTS] <= len(times) + 1
    with sqlite3.connect(file) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()


async def test_processes_share_a_file(file: Path) -> None:
    """Two that write at once, and one that reads: nothing is lost, nothing counts twice."""
    with child(file, 150, "acme") as one, child(file, 150, "globex") as other:
        assert one.stdout is not None
        assert other.stdout is not None
        for output in (one.stdout, other.stdout):
            await asyncio.to_thread(output.read)

    assert (0, 0) == (one.returncode, other.returncode)
    assert 300 == (await read(file)).total[Count.REQUESTS]


@contextmanager
def files_of_at_most(size_bytes: int) -> Generator[None, None, None]:
    """As on a full disk: whoever writes more is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


async def test_on_a_full_disk_what_is_recorded_waits(file: Path) -> None:
    """The log says what is wrong and what to do; when there is room again, nothing is missing."""
    with structlog.testing.capture_logs() as lines:
        async with kept_in(SqliteStore(file, Retention())) as (book, recorder):
            recorder([call()])
            await book.flush()
            with files_of_at_most(file.stat().st_size):  # noqa: ASYNC240 - at once
                for number in range(200):
                    recorder([call(tenant=f"tenant-{number}")])
                await book.flush()
                await book.flush()
                assert book.problem
            await book.flush()
            answer = await book.query(everything())

    assert 201 == answer.total[Count.REQUESTS]
    (failed, well) = lines
    assert "the ledger takes nothing" == failed["event"]
    assert str(file) in failed["problem"]
    assert "room" in failed["remedy"]
    assert "the ledger takes everything again" == well["event"]


@pytest.mark.parametrize(
    "garbage", [b"this is no ledger" * 1000, b"SQLite format 3\0" + b"?" * 9000]
)
async def test_a_broken_file_is_left_alone(file: Path, garbage: bytes) -> None:
    """The service goes on, the log says what to do; once it is moved away, a new one is begun."""
    file.parent.mkdir()
    file.write_bytes(garbage)  # noqa: ASYNC240 - at once
    with structlog.testing.capture_logs() as lines:
        async with kept_in(SqliteStore(file, Retention())) as (book, recorder):
            recorder([call()])
            await book.flush()
            assert garbage == file.read_bytes()  # noqa: ASYNC240
            assert "move the file" in lines[0]["remedy"]

            file.rename(file.with_suffix(".broken"))  # noqa: ASYNC240
            await book.flush()
            answer = await book.query(everything())

    assert 1 == answer.total[Count.REQUESTS]


async def test_a_file_that_is_removed_is_begun_anew(file: Path) -> None:
    """Nothing is written to what nobody can find."""
    async with kept_in(SqliteStore(file, Retention())) as (book, recorder):
        recorder([call()])
        await book.flush()
        for one in file.parent.iterdir():
            one.unlink()
        recorder([call(), call()])
        await book.flush()

    assert 2 == (await read(file)).total[Count.REQUESTS]


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """As it is where a folder of that name cannot be made."""
    (tmp_path / "state").write_text("a file, and no folder")
    store = SqliteStore(tmp_path / "state" / "ledger.sqlite3", Retention())
    recorder = Recorder()
    recorder([call()])

    with pytest.raises(StoreError) as failed:
        await store.add(Batch("a", 1, spread(recorder.take(), View)))

    assert "analytics.file" in failed.value.remedy
    await store.aclose()


async def test_sums_that_nobody_can_read_are_told(file: Path) -> None:
    """Who asks is told so; what comes is added all the same."""
    async with kept_in(SqliteStore(file, Retention())) as (book, recorder):
        recorder([call()])
        await book.flush()
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE sums SET counts = x'0102'")
        connection.close()

        with pytest.raises(LedgerUnavailable, match="holds what is none"):
            await book.query(everything())
        recorder([call()])
        answer = await book.query(everything())

    assert 1 == answer.total[Count.REQUESTS]


async def test_tables_of_a_later_version_are_left_alone(file: Path) -> None:
    """An older version of the service does not guess what they mean."""
    await read(file)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    recorder = Recorder()
    recorder([call()])
    store = SqliteStore(file, Retention())

    with pytest.raises(StoreError, match="version 99"):
        await store.add(Batch("a", 1, spread(recorder.take(), View)))

    await store.aclose()


async def test_kinds_that_came_later_are_added_to_old_tables(file: Path) -> None:
    """A new version goes on with what an old one kept."""
    async with kept_in(SqliteStore(file, Retention())) as (book, recorder):
        recorder(with_attempts(call()))
        await book.flush()
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE tallies DROP COLUMN attempt_reasons")
    connection.close()

    async with kept_in(SqliteStore(file, Retention())) as (book, recorder):
        recorder(with_attempts(call()))
        answer = await book.query(everything())

    assert 2 == answer.total[Count.REQUESTS]


async def test_what_is_old_is_forgotten(file: Path) -> None:
    """By the minute, by the hour and by the day, each in its time; and names that nobody has."""
    retention = Retention(3600.0, 2 * DAY_S, 10 * DAY_S)
    store, clock = SqliteStore(file, retention), Clock()
    ages_s = (60, 7200, 3 * DAY_S, 12 * DAY_S)
    async with kept_in(store, clock, retention) as (book, recorder):
        recorder([call(ended_at=NOW - age_s, tenant=f"{age_s} s ago") for age_s in ages_s])
        await book.flush()
        await store.forget(NOW)

        found = await book.query(replace(everything(), start=NOW - 9 * DAY_S))

    with sqlite3.connect(file) as connection:
        rows = dict(
            connection.execute(
                "SELECT resolution, count(*) FROM sums WHERE view = 0 GROUP BY resolution"
            ).fetchall()
        )
    connection.close()
    assert {
        Resolution.MINUTE: 1,
        Resolution.HOUR: 2,
        Resolution.QUARTER: 1,
        Resolution.DAY: 2,
        Resolution.WEEK: 3,
    } == rows
    assert 3 == found.total[Count.REQUESTS]


async def test_a_book_shows_where_it_keeps_what(file: Path) -> None:
    """In one line, for people."""
    async with kept_in(SqliteStore(file, Retention())) as (book, _):
        shown = repr(book)

    assert f"<Book in <SqliteStore {file}>, <Recorder 0 sums, 0 records lost>>" == shown
    assert isinstance(book, Book)

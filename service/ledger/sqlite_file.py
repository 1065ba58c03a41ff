"""The file of the embedded ledger: opening it, adding a batch, reading. Blocks: runs on threads.

What goes wrong is raised as StoreError, with what can be done about it. The file is never moved,
emptied or mended: it may be all that anybody knows of the past.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from functools import partial
from os import stat_result
from os.path import samestat
from pathlib import Path
from typing import Any

import orjson

from service.domain import lanes, sketch
from service.domain.rollup import KINDS, Key, Kind
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Place, Plan, Retention, Span, TooMuch
from service.domain.rollup_views import RESOLUTIONS, View
from service.domain.sketch import Tally
from service.ledger import sqlite_schema as schema
from service.ledger.store import (
    Batch,
    Gathered,
    Packed,
    StoreError,
    key_of,
    not_ours,
    placed,
    text_of,
)

BUSY_TIMEOUT_S = 5.0
"""How long another process may write meanwhile."""
QUERY_MAX_S = 10.0
_STEPS = 200_000
_DAY_S = 86_400
_NAMES_MAX = 200_000
_REMEDIES = {
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_READONLY": "let the service write to the file and to its folder",
    "SQLITE_CANTOPEN": "let the service write to the file and to its folder",
    "SQLITE_PERM": "let the service write to the file and to its folder",
    "SQLITE_CORRUPT": "move the file and its -wal away: a new one is begun",
    "SQLITE_NOTADB": "move the file away: a new one is begun",
    "SQLITE_BUSY": "see which process holds the file",
    "SQLITE_IOERR": "see whether the disk is well, and whether there is room on it",
}


class SqliteFile:
    """One connection, for one thread at a time. It is opened when it is first needed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._opened: stat_result | None = None
        self._ids: dict[Key, int] = {}
        self._ids_day = 0
        self._keys: dict[int, Key] = {}

    def __repr__(self) -> str:
        return f"<SqliteFile {self._file}{'' if self._connection else ', not open'}>"

    def add(self, batch: Batch) -> None:
        """In one transaction. A batch that was added before is not added again."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._add(connection, batch)
                connection.execute("COMMIT")
            except BaseException:
                self._ids.clear()
                raise

    def _add(self, connection: sqlite3.Connection, batch: Batch) -> None:
        known = connection.execute(schema.LAST_NUMBER, (batch.writer,)).fetchone()
        if known is not None and known[0] >= batch.number:
            return
        day = int(time.time()) // _DAY_S
        if day != self._ids_day or len(self._ids) > _NAMES_MAX:
            # Each day a name is used it is marked so: those that are not are forgotten some day.
            self._ids.clear()
            self._ids_day = day
        rows = [
            ((*row[:2], row.key.tenant, row.start, self._id(connection, row.key, day)), rollup)
            for row, rollup in batch.rows.items()
        ]
        packed = Packed()
        connection.executemany(
            schema.ADD_SUMS, ((*row, packed.sums(rollup)) for row, rollup in rows)
        )
        connection.executemany(
            schema.ADD_TALLIES,
            (
                (*row, *map(packed.tallies(rollup).get, KINDS))
                for row, rollup in rows
                if rollup.tallies
            ),
        )
        connection.execute(schema.SET_NUMBER, (batch.writer, batch.number, day))

    def _id(self, connection: sqlite3.Connection, key: Key, day: int) -> int:
        found = self._ids.get(key)
        if found is None:
            text = text_of(key).decode()
            ((found,),) = connection.execute(schema.NAME_ID, (text, day)).fetchall()
            self._ids[key] = found
        return found

    def sums(self, plan: Plan) -> dict[Place, Sums]:
        """By place. Raises TooMuch when it takes too long."""
        by_bucket: dict[int, dict[int, Sums]] = {}
        with self._open() as connection:
            at, sums = -1, dict[int, Sums]()
            try:
                for name, start, blob in self._selected(connection, plan, schema.SELECT_SUMS):
                    if start != at:
                        # They come in this order: it is not looked up for each of them.
                        at, sums = start, by_bucket.setdefault(plan.bucket(start), {})
                    sums[name] = sums.get(name, 0) + lanes.unpacked(blob)
            except ValueError:
                raise not_ours() from None
            return placed(plan, by_bucket, partial(self._key, connection))

    def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        """By place. Raises TooMuch as above."""
        in_order = sorted(kinds)
        select = schema.select_tallies(in_order)
        with self._open() as connection:
            gathered = Gathered(plan, wanted, partial(self._key, connection))
            for name, start, *blobs in self._selected(connection, plan, select):
                place = gathered.place(start, name)
                if place is not None:
                    for kind, blob in zip(in_order, blobs, strict=True):
                        if blob:
                            gathered.add(place, kind, blob)
        return gathered.tallies()

    def _selected(
        self, connection: sqlite3.Connection, plan: Plan, select: str
    ) -> Iterator[Sequence[Any]]:
        give_up_at = time.monotonic() + QUERY_MAX_S
        connection.set_progress_handler(lambda: time.monotonic() > give_up_at, _STEPS)
        for span in plan.spans:
            yield from connection.execute(select, self._terms(connection, plan, span))

    def _terms(self, connection: sqlite3.Connection, plan: Plan, span: Span) -> Mapping[str, Any]:
        terms = {"view": plan.view, "resolution": span.resolution}
        tenants = plan.tenants
        if tenants is None or plan.view in (View.ALL, View.TARGET, View.OUTCOME):
            tenants = [tenant for (tenant,) in connection.execute(schema.TENANTS, terms)]
        listed = orjson.dumps(sorted(tenants)).decode()
        return {**terms, "tenants": listed, "start": span.start, "end": span.end}

    def _key(self, connection: sqlite3.Connection, name: int) -> Key:
        key = self._keys.get(name)
        if key is None:
            if not self._keys or len(self._keys) > _NAMES_MAX:
                self._keys = {
                    number: key_of(text)
                    for number, text in connection.execute(
                        "SELECT id, key FROM names ORDER BY id DESC LIMIT ?", (_NAMES_MAX // 2,)
                    )
                }
            found = connection.execute("SELECT key FROM names WHERE id = ?", (name,)).fetchone()
            key = self._keys[name] = key_of(found[0]) if found else Key()
        return key

    def forget(self, now: float, retention: Retention) -> None:
        """In small transactions: other processes write between them."""
        with self._open() as connection:
            for view in View:
                for resolution in RESOLUTIONS:
                    terms = {"view": view, "resolution": resolution, "start": 0}
                    tenants = [tenant for (tenant,) in connection.execute(schema.TENANTS, terms)]
                    end = int(retention.oldest(resolution, now))
                    listed = orjson.dumps(tenants).decode()
                    for table in ("tallies", "sums"):
                        connection.execute(
                            schema.forget(table), {**terms, "tenants": listed, "end": end}
                        )
            oldest_day = int(retention.oldest(RESOLUTIONS[-1], now)) // _DAY_S
            connection.execute(schema.FORGET_NAMES, (oldest_day,))
            connection.execute(schema.FORGET_WRITERS, (int(now) // _DAY_S - 30,))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    @contextlib.contextmanager
    def _open(self) -> Generator[sqlite3.Connection, None, None]:
        """Opened anew where the file is another one by now. Raises StoreError."""
        try:
            if self._connection is not None and self._is_gone():
                self.close()
            if self._connection is None:
                self._connection = self._connected()
            yield self._connection
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
                raise TooMuch("it takes too long: ask for less time, or by fewer things") from None
            self._give_back(error)
            raise _store_error(self._file, error) from error
        except (schema.OtherVersionError, OSError) as error:
            self.close()
            remedy = "configure another analytics.file, or let the service write there"
            raise StoreError(f"{self._file}: {error}", remedy) from error
        finally:
            if self._connection is not None:
                self._connection.set_progress_handler(None, 0)
                if self._connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")

    def _connected(self) -> sqlite3.Connection:
        self._ids.clear()
        self._keys.clear()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._file,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # A crash of the machine may lose what came last, and never harms the rest.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -16384")
            connection.create_function("summed", 2, _summed, deterministic=True)
            connection.create_function("merged", 2, _merged, deterministic=True)
            schema.prepare(connection)
            self._opened = self._file.stat()
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_gone(self) -> bool:
        try:
            return self._opened is None or not samestat(self._file.stat(), self._opened)
        except OSError:
            return True

    def _give_back(self, error: sqlite3.Error) -> None:
        if not isinstance(error, sqlite3.OperationalError):
            # The next one may find a file that was mended.
            self.close()


def _store_error(file: Path, error: sqlite3.Error) -> StoreError:
    name = str(getattr(error, "sqlite_errorname", ""))
    known = (remedy for prefix, remedy in _REMEDIES.items() if name.startswith(prefix))
    return StoreError(f"{file}: {error}", next(known, ""))


def _summed(one: bytes, other: bytes) -> bytes:
    try:
        return lanes.added(one, other)
    except ValueError:
        # What cannot be read is no reason to lose what comes.
        return other


def _merged(one: bytes, other: bytes) -> bytes:
    try:
        return sketch.added(one, other)
    except ValueError:
        return other

"""The tables of the embedded ledger, and the statements that add to them and sum them up.

One row holds one sum: `sums` its counts, packed as `lanes` do, `tallies` its tallies, apart, since
most questions need none. `names` has the keys, since each stands in many rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from service.domain.rollup import KINDS, Kind

VERSION = 2
"""Of the tables as a whole. A new count is a new lane, a new kind a new column: no new version."""


def column(of: Kind) -> str:
    return of.name.lower()


_KIND_COLUMNS = [column(kind) for kind in KINDS]
_ROW = "view, resolution, tenant, start, name"
_ROW_COLUMNS = (
    "view INTEGER NOT NULL, resolution INTEGER NOT NULL, tenant TEXT NOT NULL,"
    " start INTEGER NOT NULL, name INTEGER NOT NULL"
)
_NAMES = "id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, day INTEGER NOT NULL"
_WRITERS = "writer TEXT PRIMARY KEY, number INTEGER NOT NULL, day INTEGER NOT NULL"
_TABLES = (
    f"CREATE TABLE names ({_NAMES})",
    f"CREATE TABLE writers ({_WRITERS}) WITHOUT ROWID",
    f"CREATE TABLE sums ({_ROW_COLUMNS}, counts BLOB NOT NULL, PRIMARY KEY ({_ROW})) WITHOUT ROWID",
    f"CREATE TABLE tallies ({_ROW_COLUMNS}, PRIMARY KEY ({_ROW})) WITHOUT ROWID",
)

NAME_ID = (
    "INSERT INTO names (key, day) VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET day = max(day, excluded.day) RETURNING id"
)
LAST_NUMBER = "SELECT number FROM writers WHERE writer = ?"
SET_NUMBER = "INSERT OR REPLACE INTO writers (writer, number, day) VALUES (?, ?, ?)"
TENANTS = """
WITH RECURSIVE found (tenant) AS (
  SELECT min(tenant) FROM sums WHERE view = :view AND resolution = :resolution
  UNION ALL
  SELECT (SELECT min(tenant) FROM sums
          WHERE view = :view AND resolution = :resolution AND tenant > found.tenant)
  FROM found WHERE tenant IS NOT NULL
) SELECT tenant FROM found WHERE tenant IS NOT NULL
"""
"""Each with one step in the index, however many rows it has."""
_WHERE = (
    "view = :view AND resolution = :resolution"
    " AND tenant IN (SELECT value FROM json_each(:tenants)) AND start >= :start AND start < :end"
)


def _marks(number: int) -> str:
    return ", ".join("?" * number)


def _add_tallies() -> str:
    columns = ", ".join(_KIND_COLUMNS)
    # `merged` is ours, as `summed` is, and takes its time: most rows have none of most kinds.
    added = ", ".join(
        f"{name} = CASE WHEN excluded.{name} IS NULL THEN {name}"
        f" WHEN {name} IS NULL THEN excluded.{name} ELSE merged({name}, excluded.{name}) END"
        for name in _KIND_COLUMNS
    )
    return (
        f"INSERT INTO tallies ({_ROW}, {columns}) VALUES ({_marks(5 + len(_KIND_COLUMNS))})"
        f" ON CONFLICT DO UPDATE SET {added}"
    )


ADD_SUMS = (
    f"INSERT INTO sums ({_ROW}, counts) VALUES ({_marks(6)})"
    " ON CONFLICT DO UPDATE SET counts = summed(counts, excluded.counts)"
)
ADD_TALLIES = _add_tallies()


SELECT_SUMS = f"SELECT name, start, counts FROM sums WHERE {_WHERE}"


def select_tallies(kinds: Collection[Kind]) -> str:
    columns = "".join(f", {column(kind)}" for kind in kinds)
    return f"SELECT name, start{columns} FROM tallies WHERE {_WHERE}"


def forget(table: str) -> str:
    return f"DELETE FROM {table} WHERE {_WHERE}"


FORGET_NAMES = "DELETE FROM names WHERE day < ?"
FORGET_WRITERS = "DELETE FROM writers WHERE day < ?"


class OtherVersionError(Exception):
    """A later version of the service made these tables."""


def prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables, and the columns that this version has more. In a transaction of its own."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise OtherVersionError(f"has tables of version {version}, and this is {VERSION}")
        if version == 0:
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        _add_columns(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _add_columns(connection: sqlite3.Connection) -> None:
    known = {row[1] for row in connection.execute("PRAGMA table_info(tallies)")}
    for name in _KIND_COLUMNS:
        if name not in known:
            connection.execute(f"ALTER TABLE tallies ADD COLUMN {name} BLOB")

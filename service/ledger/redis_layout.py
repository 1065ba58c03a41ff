"""Where the shared ledger keeps what in Redis, and in which form. Pure.

A hash holds the sums of one view in buckets of one length over a while, of one tenant where the
view is large; beside it, in the same slot of a cluster, stand its tallies, those of all kinds of a
row in one value, and the last number that each writer added. The sums of a row are a value that
says whose it is, so that a hash is read as one text, and without its fields:

start of the bucket, length of the key, each in 4 bytes, little-endian; the key as JSON; the sums as
`lanes` pack them.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from service.domain import lanes
from service.domain.rollup import Kind, Rollup
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Plan, Retention
from service.domain.rollup_views import RESOLUTIONS, Resolution, Row, View
from service.ledger.store import Packed, text_of

ROWS_AT_ONCE_MAX = 20
"""So many take Redis three milliseconds, in which it answers nobody else."""
_HASH_S = {
    **dict[Resolution, int](pairwise(RESOLUTIONS)),
    Resolution.WEEK: 8 * Resolution.WEEK,
}
"""Over how long a hash goes: one bucket of the next resolution, which is read where all count."""
BY_TENANT = frozenset({View.PAIR, View.LABEL, View.FULL})


class Hash(NamedTuple):
    """`start` is that of the while it goes over. `tenant` is "" where it holds those of all."""

    view: View
    resolution: Resolution
    start: int
    tenant: str = ""

    @property
    def end(self) -> int:
        return self.start + _HASH_S[self.resolution]

    def names(self, prefix: str) -> list[bytes]:
        """Of the sums, of the writers, and of the tallies."""
        tenant = self.tenant.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
        tag = f"{prefix}:l2:{int(self.view)}:{int(self.resolution)}:{self.start}:{tenant}"
        return [b"{%b}:%b" % (tag.encode(), end) for end in (b"s", b"w", b"t")]


def hash_of(row: Row) -> Hash:
    start = row.start - row.start % _HASH_S[row.resolution]
    tenant = row.key.tenant if row.view in BY_TENANT else ""
    return Hash(row.view, row.resolution, start, tenant)


def hashes(plan: Plan, tenants: Collection[str]) -> Iterator[tuple[Hash, int, int]]:
    """Those that a plan reads, each with the times of it that count. `tenants` where split."""
    for span in plan.spans:
        length = _HASH_S[span.resolution]
        for start in range(span.start - span.start % length, span.end, length):
            for tenant in tenants if plan.view in BY_TENANT else ("",):
                found = Hash(plan.view, span.resolution, start, tenant)
                yield found, max(span.start, start), min(span.end, found.end)


def expires_at(where: Hash, retention: Retention) -> int:
    """In seconds since the epoch."""
    # Not sooner than its last bucket may be forgotten.
    return int(where.end + where.end - retention.oldest(where.resolution, where.end))


def adding(rows: Sequence[tuple[Row, Rollup]], packed: Packed) -> Iterator[Any]:
    """What `ADD` is told of rows of one hash: how many, their sums, then their tallies."""
    yield len(rows)
    for row, rollup in rows:
        key = text_of(row.key)
        yield _field(row)
        yield _HEAD.pack(row.start, len(key)) + key + packed.sums(rollup)
    for row, rollup in rows:
        if rollup.tallies:
            yield _field(row)
            yield b"".join(
                _KIND_HEAD.pack(kind, len(blob)) + blob
                for kind, blob in packed.tallies(rollup).items()
            )


def _field(row: Row) -> bytes:
    return orjson.dumps((row.start, *row.key))[1:-1]


def read_sums(told: bytes, begin: int, until: int) -> Iterator[tuple[int, bytes, Sums]]:
    """Start, key and sums of rows that begin in that time. Raises ValueError for what is none."""
    at, end = 0, len(told)
    try:
        while at < end:
            start, key_bytes = _HEAD.unpack_from(told, at)
            key = at + _HEAD.size
            sums = key + key_bytes
            at = sums + lanes.length(told, sums)
            if begin <= start < until:
                yield start, told[key:sums], lanes.unpacked(told[sums:at])
    except (IndexError, struct.error):
        raise ValueError("these are no rows") from None


def read_tallies(told: bytes) -> Iterator[tuple[int, bytes, Kind, bytes]]:
    """Start and key of a row, and the packed tally of one of the kinds that were asked for."""
    at = 0
    while at < len(told):
        field_bytes, kind, blob_bytes = _TOLD_HEAD.unpack_from(told, at)
        field = at + _TOLD_HEAD.size
        blob = field + field_bytes
        at = blob + blob_bytes
        start, _, key = told[field:blob].partition(b",")
        yield int(start), b"[%b]" % key, Kind(kind), told[blob:at]


_HEAD = struct.Struct("<II")
_KIND_HEAD = struct.Struct("<BI")
_TOLD_HEAD = struct.Struct("<IBI")

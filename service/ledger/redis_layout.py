"""Where the shared ledger keeps what in Redis, and the scripts that add to it and read it. Pure.

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
from service.domain.rollup import Key, Kind, Rollup
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Plan, Retention
from service.domain.rollup_views import RESOLUTIONS, Resolution, Row, View
from service.ledger.store import Packed

EXACT_MAX = 2**53
"""Scripts add exactly up to this: 9 million USD in one row."""
ROWS_AT_ONCE_MAX = 50
"""So many take Redis a few milliseconds, in which it answers nobody else."""
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
        key = orjson.dumps(tuple(row.key))
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


def key_of(text: bytes) -> Key:
    """Raises ValueError for what is none."""
    tenant, provider, model, method, status, cache, labels = orjson.loads(text)
    kept = tuple((name, value) for name, value in labels)
    return Key(tenant, provider, model, method, status, cache, kept)


# Keys as `Hash.names` gives them. Arguments: the writer, the number, when all of it expires, and
# what `adding` says. What it cannot read it replaces: to take nothing more would be worse.
ADD = """
local sums, writers = KEYS[1], KEYS[2]
if tonumber(redis.call('HGET', writers, ARGV[1]) or -1) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', writers, ARGV[1], ARGV[2])
redis.call('EXPIREAT', writers, ARGV[3])
local function unpacked(value, at)
  local first, count, width = string.byte(value, at + 1, at + 3)
  if not width or #value ~= at + 3 + width * count then return nil end
  return first, count, {struct.unpack('<' .. string.rep('i' .. width, count), value, at + 4)}
end
local function summed(old, new)
  local at = 8 + struct.unpack('<I4', new, 5)
  local first, count, sums = unpacked(old, at)
  local from, more, added = unpacked(new, at)
  if not first or count == 0 then return new end
  if more == 0 then return old end
  local low, high = math.min(first, from), math.max(first + count, from + more) - 1
  local out = {}
  for lane = low, high do
    out[1 + lane - low] = 0
  end
  for i = 1, count do out[first - low + i] = sums[i] end
  for i = 1, more do out[from - low + i] = out[from - low + i] + added[i] end
  local most, width = 0, 1
  for _, sum in ipairs(out) do most = math.max(most, sum, -sum) end
  while most >= 2 ^ (8 * width - 1) do width = width + 1 end
  return string.sub(new, 1, at) .. string.char(low, #out, width)
    .. struct.pack('<' .. string.rep('i' .. width, #out), unpack(out))
end
local widths = {[1] = 'B', [2] = 'H', [4] = 'I4', [8] = 'I8'}
local function tally(blob, into)
  local form, width = string.byte(blob, 1, 2)
  local letter = widths[width]
  if not letter then return false end
  local head = form == 1 and 2 or 4
  local count = (#blob - head) / (form == 1 and 2 + width or width)
  if form > 2 or count % 1 ~= 0 then return false end
  local counts = head + (form == 1 and 2 * count or 0)
  letter = '<' .. letter
  for i = 0, count - 1 do
    local place
    if form == 1 then
      place = struct.unpack('<H', blob, 3 + 2 * i)
    else
      place = struct.unpack('<H', blob, 3) + i
    end
    local times = struct.unpack(letter, blob, counts + 1 + width * i)
    if times > 0 then into[place] = (into[place] or 0) + times end
  end
  return true
end
local function tallied(old, new)
  local into = {}
  if not (tally(old, into) and tally(new, into)) then return new end
  local places, most = {}, 0
  for place, times in pairs(into) do
    places[#places + 1] = place
    if times > most then most = times end
  end
  if #places == 0 then return new end
  table.sort(places)
  local first, last = places[1], places[#places]
  local width = most < 256 and 1 or most < 65536 and 2 or most < 4294967296 and 4 or 8
  local letter = '<' .. widths[width]
  if 2 + (last - first + 1) * width <= #places * (2 + width) then
    local out = {string.char(2, width), struct.pack('<H', first)}
    for place = first, last do
      out[3 + place - first] = struct.pack(letter, into[place] or 0)
    end
    return table.concat(out)
  end
  local out = {string.char(1, width)}
  for i, place in ipairs(places) do
    out[i + 1] = struct.pack('<H', place)
    out[i + 1 + #places] = struct.pack(letter, into[place])
  end
  return table.concat(out)
end
local at = 5
for _ = 1, tonumber(ARGV[4]) do
  local field, new = ARGV[at], ARGV[at + 1]
  local old = redis.call('HGET', sums, field)
  redis.call('HSET', sums, field, old and summed(old, new) or new)
  at = at + 2
end
redis.call('EXPIREAT', sums, ARGV[3])
local function each(value, told)
  local at = 1
  while at + 4 < #value do
    local kind, length = struct.unpack('<BI4', value, at)
    told(kind, string.sub(value, at + 5, at + 4 + length))
    at = at + 5 + length
  end
end
while at < #ARGV do
  local field, new = ARGV[at], ARGV[at + 1]
  local old = redis.call('HGET', KEYS[3], field)
  if old then
    local found, out = {}, {}
    each(old, function(kind, blob) found[kind] = blob end)
    each(new, function(kind, blob)
      found[kind] = found[kind] and tallied(found[kind], blob) or blob
    end)
    for kind, blob in pairs(found) do
      if kind < 64 then out[#out + 1] = struct.pack('<BI4', kind, #blob) .. blob end
    end
    new = table.concat(out)
  end
  redis.call('HSET', KEYS[3], field, new)
  at = at + 2
end
redis.call('EXPIREAT', KEYS[3], ARGV[3])
return 1
"""

# As one text: the library takes ten times as long to read so many.
READ_SUMS = "return table.concat(redis.call('HVALS', KEYS[1]))"

# Further arguments: from and until when, and the numbers of the kinds.
_IN_TIME = """
local all, out = redis.call('HGETALL', KEYS[1]), {}
local from, till = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 1, #all, 2 do
  local start = tonumber(string.match(all[i], '^%d+'))
  if start and start >= from and start < till then
    %s
  end
end
"""
_WANTED_KINDS = """
    local field, value, at = all[i], all[i + 1], 1
    while at + 4 < #value do
      local kind, length = struct.unpack('<BI4', value, at)
      if wanted[kind] then
        out[#out + 1] = struct.pack('<I4BI4', #field, kind, length) .. field
          .. string.sub(value, at + 5, at + 4 + length)
      end
      at = at + 5 + length
    end
"""
READ_TALLIES = (
    "local wanted = {} for i = 3, #ARGV do wanted[tonumber(ARGV[i])] = true end"
    + _IN_TIME.replace("%s", _WANTED_KINDS)
    + "return table.concat(out)"
)

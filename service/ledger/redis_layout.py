"""Where the shared ledger keeps what in Redis, and the scripts that add to it and read it. Pure.

A hash holds the sums of one view in buckets of one length over a while, of one tenant where the
view is large; beside it, in the same slot of a cluster, stand its tallies, those of all kinds of a
row in one value, and the last number that each writer added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from struct import Struct
from typing import Any, NamedTuple

import orjson

from service.domain import sketch
from service.domain.rollup import Key, Kind, Rollup
from service.domain.rollup_plan import Plan, Retention
from service.domain.rollup_views import Resolution, Row, View

EXACT_MAX = 2**53
"""Scripts add exactly up to this: 9 million USD in one row."""
ROWS_AT_ONCE_MAX = 50
"""So many take Redis a few milliseconds, in which it answers nobody else."""
_DAY_S = 86_400
_HASH_S = {
    Resolution.MINUTE: 3600,
    Resolution.HOUR: _DAY_S,
    Resolution.DAY: 8 * _DAY_S,
}
"""Over how long a hash goes."""
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
        tag = f"{prefix}:l1:{int(self.view)}:{int(self.resolution)}:{self.start}:{tenant}"
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
    return int(where.end + retention.of(where.resolution))


def adding(rows: Sequence[tuple[Row, Rollup]]) -> Iterator[Any]:
    """What `ADD` is told of rows of one hash: how many, their sums, then their tallies."""
    yield len(rows)
    for row, rollup in rows:
        yield _field(row)
        yield _sums(rollup.counts)
    for row, rollup in rows:
        if rollup.tallies:
            yield _field(row)
            yield b"".join(_tallies(rollup))


def _tallies(rollup: Rollup) -> Iterator[bytes]:
    for kind, tally in rollup.tallies.items():
        blob = sketch.packed(tally)
        if blob:
            yield _KIND_HEAD.pack(kind, len(blob)) + blob


def _field(row: Row) -> bytes:
    return orjson.dumps((row.start, *row.key))[1:-1]


def _sums(counts: Sequence[int]) -> str:
    return ",".join(f"{place},{number}" for place, number in enumerate(counts) if number)


def read_sums(told: bytes) -> Iterator[tuple[Sequence[Any], Sequence[int]]]:
    """Fields, as start and key, and sums, as place and number by turns. ValueError for others."""
    if told:
        words = orjson.loads(b"[[%b]]" % told)
        yield from zip(words[::2], words[1::2], strict=True)


def read_tallies(told: bytes) -> Iterator[tuple[Sequence[Any], Kind, bytes]]:
    """Fields, and the packed tallies of the kinds that were asked for."""
    at = 0
    while at < len(told):
        field_bytes, kind, blob_bytes = _TOLD_HEAD.unpack_from(told, at)
        field = at + _TOLD_HEAD.size
        blob = field + field_bytes
        at = blob + blob_bytes
        yield orjson.loads(b"[%b]" % told[field:blob]), Kind(kind), told[blob:at]


_KIND_HEAD = Struct("<BI")
_TOLD_HEAD = Struct("<IBI")


def key_of(words: Sequence[Any]) -> Key:
    """Of a field that was read."""
    _, tenant, provider, model, method, status, cache, labels = words
    kept = tuple((name, value) for name, value in labels)
    return Key(tenant, provider, model, method, status, cache, kept)


# Keys as `Hash.names` gives them. Arguments: the writer, the number, when all of it expires, and
# what `adding` says. What it cannot read it replaces: to take nothing more would be worse.
ADD = """
local sums, writers = KEYS[1], KEYS[2]
if tonumber(redis.call('HGET', writers, ARGV[1]) or -1) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', writers, ARGV[1], ARGV[2])
redis.call('EXPIREAT', writers, ARGV[3])
local function text(number)
  if number < 1e14 then return tostring(number) end
  return string.format('%.0f', number)
end
local function summed(old, new)
  local found, places = {}, {}
  for place, number in string.gmatch(old .. ',' .. new, '(%d+),(-?%d+)') do
    if not found[place] then
      places[#places + 1] = place
      found[place] = 0
    end
    found[place] = found[place] + tonumber(number)
  end
  local out = {}
  for i, place in ipairs(places) do out[i] = place .. ',' .. text(found[place]) end
  return table.concat(out, ',')
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

# As one text: the library takes ten times as long to read so many. Arguments: from and until when.
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
READ_SUMS = (
    _IN_TIME.replace("%s", "out[#out + 1] = all[i] out[#out + 1] = all[i + 1]")
    + "return table.concat(out, '],[')"
)
# Further arguments: the numbers of the kinds.
READ_TALLIES = (
    "local wanted = {} for i = 3, #ARGV do wanted[tonumber(ARGV[i])] = true end"
    + _IN_TIME.replace("%s", _WANTED_KINDS)
    + "return table.concat(out)"
)

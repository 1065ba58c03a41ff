"""Where the shared ledger keeps what in Redis, and the scripts that add to it and read it. Pure.

A hash holds the sums of one view in buckets of one length over a while, of one tenant where the
view is large; beside it, in the same slot of a cluster, stand its tallies, one hash for each kind,
and the last number that each writer added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple

import orjson

from service.domain import sketch
from service.domain.rollup import KINDS, Key, Kind, Rollup
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
        """Of the sums, of the writers, and of the tallies by kind."""
        tenant = self.tenant.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
        tag = f"{prefix}:l1:{int(self.view)}:{int(self.resolution)}:{self.start}:{tenant}"
        ends = ("s", "w", *(str(int(kind)) for kind in KINDS))
        return [b"{%b}:%b" % (tag.encode(), end.encode()) for end in ends]


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
        for kind, tally in rollup.tallies.items():
            if tally:
                yield int(kind)
                yield _field(row)
                yield sketch.packed(tally)


def _field(row: Row) -> bytes:
    return orjson.dumps((row.start, *row.key))[1:-1]


def _sums(counts: Sequence[int]) -> str:
    return ",".join(f"{place},{number}" for place, number in enumerate(counts) if number)


def read_sums(told: bytes) -> Iterator[tuple[Sequence[Any], Sequence[int]]]:
    """Fields, as start and key, and sums, as place and number by turns. ValueError for others."""
    if told:
        words = orjson.loads(b"[[%b]]" % told)
        yield from zip(words[::2], words[1::2], strict=True)


def read_tallies(told: bytes) -> Iterator[tuple[Sequence[Any], bytes]]:
    """The same with packed tallies."""
    at = 0
    while at < len(told):
        field_bytes, blob_bytes = _LENGTHS.unpack_from(told, at)
        middle = at + _LENGTHS.size + field_bytes
        at_end = middle + blob_bytes
        yield orjson.loads(b"[%b]" % told[at + _LENGTHS.size : middle]), told[middle:at_end]
        at = at_end


_LENGTHS = Struct("<II")


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
local touched = {}
while at < #ARGV do
  local tallies, field, new = KEYS[3 + ARGV[at]], ARGV[at + 1], ARGV[at + 2]
  local old = redis.call('HGET', tallies, field)
  redis.call('HSET', tallies, field, old and tallied(old, new) or new)
  touched[tallies] = true
  at = at + 3
end
for tallies in pairs(touched) do redis.call('EXPIREAT', tallies, ARGV[3]) end
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
READ_SUMS = (
    _IN_TIME.replace("%s", "out[#out + 1] = all[i] out[#out + 1] = all[i + 1]")
    + "return table.concat(out, '],[')"
)
READ_TALLIES = (
    _IN_TIME.replace(
        "%s",
        "out[#out + 1] = struct.pack('<I4I4', #all[i], #all[i + 1]) .. all[i] .. all[i + 1]",
    )
    + "return table.concat(out)"
)
KIND_NAMES: Mapping[Kind, int] = {kind: 2 + int(kind) for kind in KINDS}
"""Which of `Hash.names` has the tallies of a kind."""

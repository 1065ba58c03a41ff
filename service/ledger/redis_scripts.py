"""What Redis itself does for the shared ledger: adds rows to a hash, wholly and once, and reads.

Sums and tallies are packed as `lanes` and `sketch` do it in Python, and come out the same.
"""

from __future__ import annotations

# Keys as `Hash.names` gives them. Arguments: the writer, the number, when all of it expires, and
# what `adding` says. What it cannot read it replaces: to take nothing more would be worse. Sums are
# exact up to 2**53, as Lua counts: 9 million USD in one row.
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
local function numbers(letter, count, text, at)
  return {struct.unpack('<' .. string.rep(letter, count), text, at)}
end
local function packed(letter, values)
  return struct.pack('<' .. string.rep(letter, #values), unpack(values))
end
-- The places of a tally, in order, and how often each: nil for what is none.
local function tally(blob)
  local form, width = string.byte(blob, 1, 2)
  local letter = widths[width]
  if not letter or form > 2 then return nil end
  if form == 1 then
    local count = (#blob - 2) / (2 + width)
    if count % 1 ~= 0 then return nil end
    return numbers('H', count, blob, 3), numbers(letter, count, blob, 3 + 2 * count), count
  end
  local count = (#blob - 4) / width
  if count % 1 ~= 0 then return nil end
  local first, all, places, counts = struct.unpack('<H', blob, 3), nil, {}, {}
  all = numbers(letter, count, blob, 5)
  for i = 1, count do
    if all[i] > 0 then
      places[#places + 1] = first + i - 1
      counts[#counts + 1] = all[i]
    end
  end
  return places, counts, #places
end
-- A fraction of the work where a few are added to many: nil where they do not fit.
local function in_place(old, places, times, count)
  if string.byte(old, 1) ~= 2 or count == 0 then return nil end
  local width = string.byte(old, 2)
  local letter = widths[width]
  if not letter then return nil end
  local first, limit = struct.unpack('<H', old, 3), 2 ^ (8 * width)
  if places[1] < first or 4 + width * (places[count] - first + 1) > #old then return nil end
  letter = '<' .. letter
  local out, at = {}, 1
  for i = 1, count do
    local place = 5 + width * (places[i] - first)
    local sum = struct.unpack(letter, old, place) + times[i]
    if sum >= limit then return nil end
    out[2 * i - 1] = string.sub(old, at, place - 1)
    out[2 * i] = struct.pack(letter, sum)
    at = place + width
  end
  out[#out + 1] = string.sub(old, at)
  return table.concat(out)
end
local function tallied(old, new)
  local places, times, count = tally(new)
  if not places then return new end
  local sum = in_place(old, places, times, count)
  if sum then return sum end
  local others, more, number = tally(old)
  if not others then return new end
  local all, counts, i, j, most = {}, {}, 1, 1, 0
  while i <= count or j <= number do
    local place, total
    if j > number or i <= count and places[i] < others[j] then
      place, total, i = places[i], times[i], i + 1
    elseif i > count or others[j] < places[i] then
      place, total, j = others[j], more[j], j + 1
    else
      place, total, i, j = places[i], times[i] + more[j], i + 1, j + 1
    end
    all[#all + 1], counts[#counts + 1] = place, total
    if total > most then most = total end
  end
  if #all == 0 then return new end
  local first, range = all[1], all[#all] - all[1] + 1
  local width = most < 256 and 1 or most < 65536 and 2 or most < 4294967296 and 4 or 8
  local letter = widths[width]
  if 2 + range * width > #all * (2 + width) then
    return string.char(1, width) .. packed('H', all) .. packed(letter, counts)
  end
  local dense = {}
  for place = 1, range do dense[place] = 0 end
  for place, total in ipairs(counts) do dense[all[place] - first + 1] = total end
  return string.char(2, width) .. struct.pack('<H', first) .. packed(letter, dense)
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
READ_TALLIES = """
local wanted = {}
for i = 3, #ARGV do wanted[tonumber(ARGV[i])] = true end
local all, out = redis.call('HGETALL', KEYS[1]), {}
local from, till = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 1, #all, 2 do
  local field, value, at = all[i], all[i + 1], 1
  local start = tonumber(string.match(field, '^%d+'))
  if start and start >= from and start < till then
    while at + 4 < #value do
      local kind, length = struct.unpack('<BI4', value, at)
      if wanted[kind] then
        out[#out + 1] = struct.pack('<I4BI4', #field, kind, length) .. field
          .. string.sub(value, at + 5, at + 4 + length)
      end
      at = at + 5 + length
    end
  end
end
return table.concat(out)
"""

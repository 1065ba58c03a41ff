"""The hash in Redis that tells all replicas which answers are void: its fields, its scripts.

Pure but for the scripts, which run in Redis. Decides whether what Redis tells now goes on from what
it told before, or something was lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from service.domain.kept import Selector
from service.domain.voids import NUMBER_MAX, SELECTORS_MAX, Voids, stamp

STATE = b"state"
"""EPOCH:NUMBER:NONCE:AT, of the newest invalidation. Whoever finds it unchanged has missed none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest invalidation by one selector. `until` is in seconds on the clock of Redis.

    The nonce tells apart two of one number, of which a failover lost the first.
    """

    number: int
    nonce: int
    until: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that the hash says. What it says of a selector is read where it has changed only."""

    state: bytes
    epoch: int
    number: int
    at: int
    entries: Mapping[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def voids(self, known: Ledger | None = None, voids: Voids | None = None) -> Voids:
        """`voids`, which are those of `known`, are used again where nothing was dropped."""
        if known is None or voids is None or known.entries.keys() - self.entries.keys():
            known, voids = _NOTHING, Voids(self.epoch, self.number)
        for name, value in self.entries.items():
            if known.entries.get(name) != value:
                voids.add(_selector(name), stamp(self.epoch, _entry(value).number))
        return voids

    def goes_on_from(self, known: Ledger) -> bool:
        """Whether everything stands there that `known` knew, and nothing as old that it did not.

        A failover to a copy that lags behind takes invalidations back, and gives their numbers to
        others.
        """
        if self.state == known.state:
            return True
        if self.epoch != known.epoch or self.number <= known.number:
            return False
        everything = self.entries.get(EVERYTHING)
        if everything is not None and _entry(everything).number > known.number:
            return True
        return all(
            self.entries.get(name) == value or self._has_moved_on(name, value, known.number)
            for name, value in known.entries.items()
        ) and all(
            known.entries.get(name) == value or _entry(value).number > known.number
            for name, value in self.entries.items()
        )

    def _has_moved_on(self, name: bytes, value: bytes, known_number: int) -> bool:
        now = self.entries.get(name)
        if now is None:
            return _entry(value).until <= self.at
        return _entry(now).number > known_number


_NOTHING = Ledger(b"", 0, 0, 0)


def ledger(told: bytes) -> Ledger | None:
    """What a script gave. None if there is no hash, or nobody can read it."""
    words = told.split(b"\n")
    try:
        entries = dict(zip(words[::2], words[1::2], strict=True))
        state = entries.pop(STATE)
        epoch, number, _, at = map(int, state.split(b":"))
        for name, value in entries.items():
            _selector(name)
            _entry(value)
    except (KeyError, TypeError, ValueError):
        return None
    return Ledger(state, epoch, number, at, entries)


def field_of(selector: Selector) -> bytes:
    key = None if selector.key is None else selector.key.hex()
    return orjson.dumps([selector.tenant, selector.namespace, selector.model, key])


EVERYTHING = field_of(Selector())


@lru_cache(maxsize=2 * SELECTORS_MAX)
def _selector(name: bytes) -> Selector:
    tenant, namespace, model, key = orjson.loads(name)
    for text in (tenant, namespace, model):
        if not isinstance(text, str | None):
            raise TypeError
    return Selector(tenant, namespace, model, None if key is None else bytes.fromhex(key))


@lru_cache(maxsize=2 * SELECTORS_MAX)
def _entry(value: bytes) -> Entry:
    number, nonce, until = map(int, value.split(b":"))
    return Entry(number, nonce, until)


# All of them give the fields as one text: the library takes ten times as long to read so many.
READ = r"return table.concat(redis.call('HGETALL', KEYS[1]), '\n')"

# Arguments: a fresh epoch, a nonce, for how many seconds answers live, how many selectors there may
# be, the field of the one that selects everything, and the fields of those to be written.
# The first write of a script is refused when Redis is full, unless it is one that needs no room,
# and the rest comes with it: what is void must be told then, too, and the hash is small.
WRITE = f"""
local hash = KEYS[1]
redis.call('HDEL', hash, '')
local epoch, number =
  string.match(redis.call('HGET', hash, 'state') or '', '^(%d+):(%d+):%d+:%d+$')
number = tonumber(number or {NUMBER_MAX})
if number >= {NUMBER_MAX} then
  redis.call('DEL', hash)
  epoch, number = ARGV[1], 0
end
number = number + 1
local now = tonumber(redis.call('TIME')[1])
local value = string.format('%d:%s:%d', number, ARGV[2], now + tonumber(ARGV[3]))
local everything = false
for i = 6, #ARGV do
  redis.call('HSET', hash, ARGV[i], value)
  everything = everything or ARGV[i] == ARGV[5]
end
local left, all = 0, redis.call('HGETALL', hash)
for i = 1, #all, 2 do
  if all[i] ~= 'state' then
    if tonumber(string.match(all[i + 1], ':(%d+)$') or 0) <= now then
      redis.call('HDEL', hash, all[i])
    else
      left = left + 1
    end
  end
end
if everything or left > tonumber(ARGV[4]) then
  redis.call('DEL', hash)
  redis.call('HSET', hash, ARGV[5], value)
end
redis.call('HSET', hash, 'state', string.format('%s:%d:%s:%d', epoch, number, ARGV[2], now))
return table.concat(redis.call('HGETALL', hash), '\\n')
"""

# Arguments: the SHA-1 of what was seen, a fresh epoch, a nonce. Of many that ask one does it.
BEGIN_ANEW = """
local hash = KEYS[1]
if redis.sha1hex(table.concat(redis.call('HGETALL', hash), '\\n')) == ARGV[1] then
  redis.call('DEL', hash)
  local now = redis.call('TIME')[1]
  redis.call('HSET', hash, 'state', string.format('%s:0:%s:%s', ARGV[2], ARGV[3], now))
end
return table.concat(redis.call('HGETALL', hash), '\\n')
"""

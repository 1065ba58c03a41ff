"""What Redis runs in one piece for claims. Every key of a script lies in one slot.

name           keys | arguments                 reply
RENEW          claim, wait | token, ms          how many ms others wait yet; -1: it is not ours
RELEASE        claim | token                    1 if it was ours
HEAR           claim, list | first, last        who has it now, and what its list has there
WAIT_AND_HEAR  claim, list, wait | first, last, for how many ms we wait, how long that counts
TELL           list | length, ms, piece...      its length then; -1: it had another one
"""

from __future__ import annotations

_NOW = """\
local time = redis.pcall('TIME')
local now = time.err and 0 or time[1] * 1000 + math.floor(time[2] / 1000)
"""
"""0 for whoever may not ask for the time: nobody is known to wait then."""
RENEW = (
    _NOW
    + """\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return -1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local till = tonumber(redis.call('GET', KEYS[2]) or 0) or 0
return now > 0 and math.max(0, till - now) or 0
"""
)
RELEASE = """\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""
HEAR = """\
return {redis.call('GET', KEYS[1]), redis.call('LRANGE', KEYS[2], ARGV[1], ARGV[2])}
"""
WAIT_AND_HEAR = (
    _NOW
    + """\
if now > 0 then
  local till = math.max(now + ARGV[3], tonumber(redis.call('GET', KEYS[3]) or 0) or 0)
  redis.pcall('SET', KEYS[3], string.format('%.0f', till), 'PX', ARGV[4])
end
"""
    + HEAR
)
"""A Redis that takes nothing may still be heard."""
TELL = """\
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then
  return -1
end
local count = redis.call('RPUSH', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return count
"""

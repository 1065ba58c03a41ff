"""Who of several replicas asks for an answer, and what it tells the others: in Redis.

A claim is a key with the holder's token that runs out; what a holder tells is a list of its own.
Both lie in one slot. A list has no gaps: after a piece that was not added nothing more is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.caches.errands import Dropped, Errand, Errands
from service.caches.lane import Lane
from service.caches.lanes import Lanes
from service.caches.wait import Wait
from service.redis_door import Fault, Words, fault

PIECES_MAX = 1000
"""In one look, and in one telling: a script takes a few thousand words at most."""
_TURNS_TO_KEEP = 3
"""Of the loop, in which who has the answer stores it."""
_PASSES = 12
"""Of the loop, until a reply is heard, after what others were told just before."""
_RENEW = """\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""
_RELEASE = """\
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""
_HEAR = """\
return {redis.call('GET', KEYS[1]), redis.call('LRANGE', KEYS[2], ARGV[1], ARGV[2])}
"""
_TELL = """\
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then
  return -1
end
local count = redis.call('RPUSH', KEYS[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return count
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """`holder` is the token of who has the claim now, empty if nobody has."""

    holder: bytes
    pieces: Sequence[bytes] = ()


class _NotYetError(TimeoutError):
    """The reply may still come."""


@dataclass(slots=True, eq=False)
class _Telling:
    """How many pieces a holder has told, as far as Redis must know."""

    count: int = 0
    broken: bool = False


class RedisClaims:
    """Tokens and keys are bytes of any length. Nothing raises; None where Redis is not there.

    Whatever is waited for, no longer than `timeout_s`; to be granted a claim, `wait_s`.
    """

    def __init__(
        self, lanes: Lanes, prefix: str, timeout_s: float, wait_s: float | None = None
    ) -> None:
        self._lanes = lanes
        self._prefix = prefix.encode()
        self._timeout_s = timeout_s
        self._wait_s = timeout_s if wait_s is None else wait_s
        self._tellings: dict[bytes, _Telling] = {}
        self._releasing: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        state = "open" if self.available else "closed"
        return f"<RedisClaims {state}, {len(self._tellings)} told, {len(self._releasing)} released>"

    @property
    def available(self) -> bool:
        return any(lane.takes() for lane in self._lanes.all)

    async def claim(self, key: bytes, token: bytes, lease_s: float) -> bool | None:
        """Whether the key is ours now. A claim that Redis grants too late is given up again."""
        name = self._claim_name(key)
        lane = self._lanes.of(name)
        # Who has waited for a lookup in vain does not wait once more.
        if lane is None or not lane.takes() or lane.breaker.is_doubtful:
            return None
        words = ("SET", name, token, "NX", "PX", _ms(lease_s))
        give_up = partial(self._give_up, lane, name, token)
        # Somebody waits for an answer, and would get it without.
        reply = await self._asked(lane.errands, words, give_up, self._wait_s)
        if isinstance(reply, Exception):
            if not isinstance(reply, Dropped | TimeoutError):
                lane.written(reply)
            if not isinstance(reply, Dropped | _NotYetError):
                give_up(reply)
            return None
        # Nil means that somebody has it; anything else is no reply of a Redis.
        return reply == b"OK" if reply in (b"OK", None) else None

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> bool | None:
        name = self._claim_name(key)
        lane = self._lanes.of(name)
        if lane is None or not lane.takes():
            return None
        reply = await self._asked(lane.errands, ("EVAL", _RENEW, 1, name, token, _ms(lease_s)))
        return None if isinstance(reply, Exception) else reply == 1

    def release(self, key: bytes, token: bytes) -> None:
        """Returns at once. Answers that are stored in the same moment are there before."""
        name = self._claim_name(key)
        self._tellings.pop(self._list_name(key, token), None)
        lane = self._lanes.of(name)
        if lane is not None and lane.is_open():
            task = asyncio.create_task(self._release(lane, name, token), name="release of a claim")
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    def tell(self, key: bytes, token: bytes, pieces: Sequence[bytes], keep_s: float) -> None:
        """Returns at once. What cannot be told ends the telling: who waits hears no more of it."""
        name = self._list_name(key, token)
        lane = self._lanes.of(name)
        telling = self._tellings.setdefault(name, _Telling())
        for start in range(0, len(pieces), PIECES_MAX):
            some = pieces[start : start + PIECES_MAX]
            if telling.broken or lane is None or not lane.takes():
                telling.broken = True
                return
            words = ("EVAL", _TELL, 1, name, telling.count, _ms(keep_s), *some)
            telling.count += len(some)
            done = partial(_told, lane, telling, telling.count)
            size_bytes = sum(map(len, some))
            if not lane.errands.add(Errand(lambda words=words: words, size_bytes, done)):
                telling.broken = True

    async def told(self, key: bytes, holder: bytes, since: int) -> Heard | None:
        """What `holder` has told from the piece `since` on, and who has the claim now.

        An empty `holder` means whoever has it now. At most 1000 pieces at once.
        """
        name = self._claim_name(key)
        lane = self._lanes.of(name)
        if lane is None or not lane.is_open():
            return None
        if not holder:
            now = await self._asked(lane.looks, ("GET", name))
            if not isinstance(now, bytes):
                return None if isinstance(now, Exception) else Heard(b"")
            holder = now
        until = since + PIECES_MAX - 1
        words = ("EVAL", _HEAR, 2, name, self._list_name(key, holder), since, until)
        match await self._asked(lane.looks, words):
            case [None | bytes() as now, list() as pieces]:
                return Heard(now or b"", pieces)
            case _:
                return None

    async def aclose(self) -> None:
        """Claims that are being released are, if Redis takes that in time."""
        if self._releasing:
            await asyncio.wait(self._releasing, timeout=self._timeout_s)
        for task in self._releasing:
            task.cancel()

    async def _asked(
        self,
        errands: Errands,
        words: Words,
        too_late: Callable[[Any], None] | None = None,
        wait_s: float | None = None,
    ) -> Any:
        """The reply, or an Exception in place of it; `too_late` gets one that nobody awaits now.

        `wait_s` of None means `timeout_s`.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(reply: Any) -> None:
            if not answer.done():
                answer.set_result(reply)
            elif too_late is not None:
                too_late(reply)

        if not errands.add(Errand(lambda: words, sum(map(_size_bytes, words)), done)):
            return Dropped()
        limit_s = self._timeout_s if wait_s is None else wait_s
        wait = Wait(limit_s, partial(_over, answer), _PASSES)
        try:
            return await answer
        finally:
            wait.end()

    async def _release(self, lane: Lane, name: bytes, token: bytes) -> None:
        for _ in range(_TURNS_TO_KEEP):
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await asyncio.gather(*(other.stores.settled() for other in self._lanes.all))
        await self._asked(lane.errands, ("EVAL", _RELEASE, 1, name, token))

    def _give_up(self, lane: Lane, name: bytes, token: bytes, reply: Any) -> None:
        """Redis has granted what nobody awaits any more, or may have: the reply was lost."""
        if reply == b"OK" or (isinstance(reply, Exception) and fault(reply) is Fault.LOST):
            words = ("EVAL", _RELEASE, 1, name, token)
            lane.errands.add(Errand(lambda: words))

    def _claim_name(self, key: bytes) -> bytes:
        return b"%b:c1:{%b}" % (self._prefix, key.hex().encode())

    def _list_name(self, key: bytes, token: bytes) -> bytes:
        return b"%b:t1:{%b}:%b" % (self._prefix, key.hex().encode(), token.hex().encode())


def _over(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_result(_NotYetError())


def _told(lane: Lane, telling: _Telling, count: int, reply: Any) -> None:
    if isinstance(reply, Dropped):
        telling.broken = True
    elif not lane.written(reply):
        # Where a reply was lost the next piece finds out whether this one has come.
        telling.broken |= fault(reply) is not Fault.LOST
    elif reply != count:
        telling.broken = True


def _ms(seconds: float) -> int:
    return max(1, int(1000.0 * seconds))


def _size_bytes(word: bytes | str | float) -> int:
    return len(word) if isinstance(word, bytes | str) else 8

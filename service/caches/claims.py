"""Who of several replicas asks for an answer, what it tells the others, and who waits: in Redis.

A claim is a key with the holder's token that runs out; what a holder tells is a list of its own;
those who wait say until when, by the clock of Redis, in a key that runs out. All lie in one slot.
A list has no gaps: after a piece that was not added nothing more is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.caches import claim_scripts as scripts
from service.caches.errands import Dropped, Errand, Errands
from service.caches.lane import Lane
from service.caches.lanes import Lanes
from service.caches.replies import NonsenseError
from service.caches.wait import PASSES_TO_HEAR, Wait
from service.domain.waited import Waited
from service.redis_door import Fault, Words, fault

PIECES_MAX = 1000
"""In one look, and in one telling: a script takes a few thousand words at most."""
WAITS_FOR_S = 1.0
"""So long after it was said last somebody counts as waiting."""
WAIT_MAX_S = 3600.0
_TURNS_TO_KEEP = 3
"""Of the loop, in which who has the answer stores it."""
_PASSES = 12
"""Of the loop, until a reply is heard, after what others were told just before."""


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

    Whatever is waited for, no longer than `timeout_s`; to be granted a claim, `wait_s`, of which
    a request may have spent some before.
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

    async def claim(
        self, key: bytes, token: bytes, lease_s: float, waited: Waited | None = None
    ) -> bool | None:
        """Whether the key is ours now. A claim that Redis grants too late is given up again."""
        waited = waited or Waited()
        name = self._claim_name(key)
        lane = self._lanes.of(name)
        # Who has waited for a lookup in vain does not wait once more.
        if lane is None or not lane.takes() or lane.breaker.is_doubtful:
            return None
        left_s = waited.left_s(self._wait_s)
        if not left_s:
            return None
        words = ("SET", name, token, "NX", "PX", _ms(lease_s))
        give_up = partial(self._give_up, lane, name, token)
        began_at = self._now()
        # Somebody waits for an answer, and would get it without.
        passes = PASSES_TO_HEAR if waited.seconds else _PASSES
        reply = await self._asked(lane.errands, words, give_up, (left_s, passes))
        waited.seconds += self._now() - began_at
        if isinstance(reply, Exception):
            if not isinstance(reply, Dropped | TimeoutError):
                lane.written(reply)
            if not isinstance(reply, Dropped | _NotYetError):
                give_up(reply)
            return None
        # Nil means that somebody has it.
        if reply not in (b"OK", None):
            lane.nonsense(began_at)
            lane.written(NonsenseError())
            return None
        lane.breaker.sensible()
        return reply == b"OK"

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> float | None:
        """For how long others wait yet, in seconds; 0.0 if none does, None if it is not ours."""
        name = self._claim_name(key)
        lane = self._lanes.of(name)
        if lane is None or not lane.takes():
            return None
        began_at = self._now()
        # What waits to be told may be much, and this is asked for in a hurry.
        words = ("EVAL", scripts.RENEW, 2, name, self._wait_name(key), token, _ms(lease_s))
        match await self._asked(lane.looks, words):
            case int(left_ms):
                lane.breaker.sensible()
                return left_ms / 1000.0 if left_ms >= 0 else None
            case reply:
                _doubt(lane, began_at, reply)
                return None

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
            words = ("EVAL", scripts.TELL, 1, name, telling.count, _ms(keep_s), *some)
            telling.count += len(some)
            done = partial(_told, lane, telling, telling.count)
            size_bytes = sum(map(len, some))
            if not lane.errands.add(Errand(lambda words=words: words, size_bytes, done)):
                telling.broken = True

    async def told(
        self, key: bytes, holder: bytes, since: int, wait_s: float = 0.0
    ) -> Heard | None:
        """What `holder` has told from the piece `since` on, and who has the claim now.

        An empty `holder` means whoever has it now. At most 1000 pieces at once. `wait_s` tells the
        holder how long we wait yet, if we do; that is to be said again within WAITS_FOR_S.
        """
        name = self._claim_name(key)
        lane = self._lanes.of(name)
        if lane is None or not lane.is_open():
            return None
        began_at = self._now()
        if not holder:
            match await self._asked(lane.looks, ("GET", name)):
                case bytes(now):
                    holder = now
                case None:
                    return Heard(b"")
                case reply:
                    _doubt(lane, began_at, reply)
                    return None
        until = since + PIECES_MAX - 1
        words = ("EVAL", scripts.HEAR, 2, name, self._list_name(key, holder), since, until)
        if wait_s > 0.0:
            names = (name, self._list_name(key, holder), self._wait_name(key))
            times = (_ms(min(wait_s, WAIT_MAX_S)), _ms(WAITS_FOR_S))
            words = ("EVAL", scripts.WAIT_AND_HEAR, 3, *names, since, until, *times)
        match await self._asked(lane.looks, words):
            case [None | bytes() as now, list() as pieces]:
                lane.breaker.sensible()
                return Heard(now or b"", pieces)
            case reply:
                _doubt(lane, began_at, reply)
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
        wait: tuple[float, int] | None = None,
    ) -> Any:
        """The reply, or an Exception in place of it; `too_late` gets one that nobody awaits now.

        `wait` is how long that is, and how many passes of the loop; None means `timeout_s`.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(reply: Any) -> None:
            if not answer.done():
                answer.set_result(reply)
            elif too_late is not None:
                too_late(reply)

        if not errands.add(Errand(lambda: words, sum(map(_size_bytes, words)), done)):
            return Dropped()
        limit_s, passes = wait or (self._timeout_s, _PASSES)
        waiting = Wait(limit_s, partial(_over, answer), passes)
        try:
            return await answer
        finally:
            waiting.end()

    async def _release(self, lane: Lane, name: bytes, token: bytes) -> None:
        for _ in range(_TURNS_TO_KEEP):
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await asyncio.gather(*(other.stores.settled() for other in self._lanes.all))
        await self._asked(lane.errands, ("EVAL", scripts.RELEASE, 1, name, token))

    def _give_up(self, lane: Lane, name: bytes, token: bytes, reply: Any) -> None:
        """Redis has granted what nobody awaits any more, or may have: the reply was lost."""
        if reply == b"OK" or (isinstance(reply, Exception) and fault(reply) is Fault.LOST):
            words = ("EVAL", scripts.RELEASE, 1, name, token)
            lane.errands.add(Errand(lambda: words))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _wait_name(self, key: bytes) -> bytes:
        return b"%b:w1:{%b}" % (self._prefix, key.hex().encode())

    def _claim_name(self, key: bytes) -> bytes:
        return b"%b:c1:{%b}" % (self._prefix, key.hex().encode())

    def _list_name(self, key: bytes, token: bytes) -> bytes:
        return b"%b:t1:{%b}:%b" % (self._prefix, key.hex().encode(), token.hex().encode())


def _over(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_result(_NotYetError())


def _told(lane: Lane, telling: _Telling, count: int, reply: Any) -> None:
    match reply:
        case Dropped():
            telling.broken = True
        case int() if lane.written(reply):
            telling.broken |= reply != count
        case Exception():
            lane.written(reply)
            # Where a reply was lost the next piece finds out whether this one has come.
            telling.broken |= fault(reply) is not Fault.LOST
        case _:
            lane.written(NonsenseError())
            telling.broken = True


def _doubt(lane: Lane, began_at: float, reply: Any) -> None:
    """It is not what was asked for. Who looks values up finds out whether Redis is there at all."""
    if not isinstance(reply, Exception):
        lane.nonsense(began_at)


def _ms(seconds: float) -> int:
    return max(1, int(1000.0 * seconds))


def _size_bytes(word: bytes | str | float) -> int:
    return len(word) if isinstance(word, bytes | str) else 8

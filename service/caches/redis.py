"""The answers that replicas share, in Redis. Whatever becomes of Redis, no request fails or waits.

Decides nothing about what is kept. A lookup is a miss where Redis does not answer in time, and what
it gives is an answer to this very key or nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from service.caches.breaker import worst
from service.caches.clock import SharedClock
from service.caches.codec import OtherVersion, decode, encode, unpacked_bytes
from service.caches.errands import Dropped, Errand
from service.caches.lane import Lane, Patience
from service.caches.lanes import lanes
from service.caches.replies import to_set
from service.caches.visit import visit
from service.caches.wait import PASSES_TO_HEAR, Wait
from service.domain.kept import Kept
from service.domain.waited import Waited
from service.redis_door import Client, RedisTerms, Words, connect, end, kind

PACK_IN_THREAD_BYTES_MIN = 64 * 1024
UNPACK_IN_THREAD_BYTES_MIN = 512 * 1024
"""To pack or unpack more takes longer than others may wait for the loop."""
_FIRST_LOOK_MAX_S = 1.0
_log = structlog.get_logger()
_NAMES_BYTES_MAX = 64 * 1024
"""What an answer has beside its body."""


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """What holds for the shared cache, as `cache` in the configuration says."""

    prefix: str = "aip"
    wait_s: float = 0.005
    compress_bytes_min: int = 4096
    entry_bytes_max: int = 8 * 1024 * 1024
    pace_s: float = 1.0
    """How often each node is visited, and for how long one that fails is left alone at first."""


class RedisAnswers:
    """To be made in a running loop. `each_round` are called each second with `client`.

    `clock` tells this host's seconds since the epoch.

    Raises ValueError, which quotes no password, for terms that contradict themselves.
    """

    def __init__(
        self,
        terms: RedisTerms,
        limits: SharedLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = connect(terms)
        self.each_round: list[Callable[[Client], Awaitable[None]]] = []
        self.skip_count = 0
        """Lookups that were not tried: nobody was there to ask."""
        self.lost_store_count = 0
        """Answers that were not stored."""
        self.garbage_count = 0
        """Values that were no answer to their key. They are removed."""
        self.other_version_count = 0
        """Answers that another version of the service wrote. They are left alone."""
        self._limits = limits
        self._names = b"%b:a1:" % limits.prefix.encode()
        probe = b"%b:p1" % limits.prefix.encode()
        patience = Patience(limits.wait_s, terms.timeout_s, limits.pace_s)
        self.lanes = lanes(terms, probe, patience)
        self._clock = SharedClock(clock)
        self._clock_key = b"%b:clock" % limits.prefix.encode()
        self._server = terms.server
        self._timeout_s = terms.timeout_s
        self._loop = asyncio.get_running_loop()
        self._rounds: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        problem = f" ({self.problem})" if self.problem else ""
        return (
            f"<RedisAnswers at {self._server}: {self.state}{problem}, {self.failure_count} failed,"
            f" {self.skip_count} skipped, {self.lost_store_count} not stored,"
            f" {self.garbage_count} garbage>"
        )

    @property
    def state(self) -> str:
        """`ok`, `trying`, `slow` or `failing`: of the node that does worst."""
        if self.lanes.problem and not self.lanes.all:
            return "failing"
        return worst([lane.breaker.state for lane in self.lanes.all]).value

    @property
    def problem(self) -> str:
        """The kind of the last error, of the node that does worst; empty where all is well."""
        for lane in sorted(self.lanes.all, key=_badness, reverse=True):
            if lane.breaker.problem or lane.write_problem:
                return lane.breaker.problem or lane.write_problem
        return self.lanes.problem

    @property
    def failure_count(self) -> int:
        """Round trips that failed."""
        return sum(lane.failure_count for lane in self.lanes.all)

    @property
    def late_count(self) -> int:
        """Round trips that took longer than requests wait."""
        return sum(lane.late_count for lane in self.lanes.all)

    def now(self) -> float:
        """Seconds since the epoch, on the clock of Redis; on this host's until that is known."""
        return self._clock.now()

    async def start(self) -> None:
        """Returns after the first look at Redis, or without it after a second."""
        first = asyncio.Event()
        self._rounds = asyncio.create_task(self._go_round(first), name="shared cache")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_MAX_S):
                await first.wait()

    async def aclose(self) -> None:
        """What was put just before is stored, if Redis takes it in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self.settled()
        if self._rounds is not None:
            await end(self._rounds)
        await self.lanes.aclose()
        with contextlib.suppress(Exception):
            await self.client.aclose()

    async def get(self, key: bytes, waited: Waited | None = None) -> Kept | None:
        """None for a miss, for what is no answer, and where Redis is not there or too late.

        Who has waited before waits the rest of the time at most, or not at all.
        """
        name = self._name(key)
        lane = self.lanes.of(name)
        if lane is None or not lane.is_open():
            self.skip_count += 1
            return None
        blob = await self._found(lane, name, waited or Waited())
        if blob is None:
            return None
        bytes_max = self._limits.entry_bytes_max + _NAMES_BYTES_MAX
        try:
            if unpacked_bytes(blob) < UNPACK_IN_THREAD_BYTES_MIN:
                return decode(key, blob, bytes_max)
            return await asyncio.to_thread(decode, key, blob, bytes_max)
        except OtherVersion:
            self.other_version_count += 1
        except ValueError:
            self._heard_garbage(key)
        return None

    def put(self, key: bytes, kept: Kept, ttl_s: float) -> None:
        """Returns at once. What cannot be stored is dropped, and counted."""
        name = self._name(key)
        lane = self.lanes.of(name)
        until = self._loop.time() + ttl_s
        if lane is None or not lane.takes():
            self.lost_store_count += 1
            return
        words = partial(self._set, key, kept, until)
        if not lane.stores.add(Errand(words, kept.size_bytes, partial(self._stored, lane))):
            self.lost_store_count += 1

    def remove(self, key: bytes) -> None:
        """Returns at once. While Redis is not there nothing is removed."""
        name = self._name(key)
        lane = self.lanes.of(name)
        if lane is not None and lane.is_open():
            lane.stores.add(Errand(lambda: ("UNLINK", name), done=partial(_removed, lane)))

    async def settled(self) -> None:
        """Returns when all that was put or removed before is done."""
        await asyncio.gather(*(lane.stores.settled() for lane in self.lanes.all))

    def _name(self, key: bytes) -> bytes:
        return self._names + key.hex().encode()

    async def _found(self, lane: Lane, name: bytes, waited: Waited) -> bytes | None:
        left_s = waited.left_s(self._limits.wait_s)
        if not left_s:
            return None
        began_at = self._loop.time()
        found = lane.lookups.get(name)
        # A lookup ends by itself after the whole time.
        rest = Wait(left_s, partial(_let_go, found), PASSES_TO_HEAR) if waited.seconds else None
        try:
            return await found
        finally:
            waited.seconds += self._loop.time() - began_at
            if rest is not None:
                rest.end()

    def _heard_garbage(self, key: bytes) -> None:
        if not self.garbage_count:
            _log.warning("Redis has values under our keys that are no answers to them")
        self.garbage_count += 1
        self.remove(key)

    def _set(self, key: bytes, kept: Kept, until: float) -> Words | Awaitable[Words] | None:
        if kept.size_bytes >= PACK_IN_THREAD_BYTES_MIN:
            return asyncio.to_thread(self._words, key, kept, until)
        return self._words(key, kept, until)

    def _words(self, key: bytes, kept: Kept, until: float) -> Words:
        left_ms = max(1, int(1000.0 * (until - self._loop.time())))
        blob = encode(key, kept, self._limits.compress_bytes_min)
        return ("SET", self._name(key), blob, "PX", left_ms)

    def _stored(self, lane: Lane, reply: Any) -> None:
        if isinstance(reply, Dropped | ValueError) or not lane.written(to_set(reply)):
            self.lost_store_count += 1

    async def _go_round(self, first: asyncio.Event) -> None:
        while True:
            began_at = self._loop.time()
            await self._round()
            first.set()
            await asyncio.sleep(max(0.1, began_at + self._limits.pace_s - self._loop.time()))

    async def _round(self) -> None:
        async def called(callback: Callable[[Client], Awaitable[None]]) -> None:
            # They say themselves what went wrong; the next round comes.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._limits.pace_s):
                    await callback(self.client)

        clock_lane = self.lanes.of(self._clock_key)
        visits = [
            visit(lane, self._clock if lane is clock_lane else None) for lane in self.lanes.all
        ]
        looks = (self.lanes.look(), *visits, *map(called, self.each_round))
        for result in await asyncio.gather(*looks, return_exceptions=True):
            if isinstance(result, Exception):
                # None of them raises: but the next look must come whatever is wrong with this one.
                _log.error("a look at Redis went wrong", error=kind(result))


def _let_go(found: asyncio.Future[bytes | None]) -> None:
    if not found.done():
        found.set_result(None)


def _removed(lane: Lane, reply: Any) -> None:
    # Where values are somebody else's this tells that a Redis has them.
    if isinstance(reply, int):
        lane.breaker.sensible()


def _badness(lane: Lane) -> tuple[bool, bool]:
    return not lane.is_open(), bool(lane.breaker.problem)

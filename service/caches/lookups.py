"""Looks values up at one node of Redis. Nobody waits longer than a few milliseconds.

What is asked for in one pass of the loop goes there together. Who has waited long enough goes on
without; the round trip goes on behind, and no more than a few do at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from service.caches.codec import may_be_under
from service.caches.replies import NonsenseError, values
from service.caches.wait import Wait
from service.redis_door import Line, end

KEYS_MAX = 128
"""In one round trip."""
IN_FLIGHT_MAX = 4


class Judge(Protocol):
    """Hears of each round trip once how it went. `began_at` is in seconds of the loop's clock."""

    def in_time(self) -> None: ...

    def late(self, began_at: float) -> None: ...

    def failed(self, began_at: float, error: Exception) -> None: ...

    def nonsense(self, began_at: float) -> None:
        """What came is no reply of a Redis."""
        ...

    def foreign(self, began_at: float) -> None:
        """It was in time, and nobody of us has written any of the values."""
        ...


class _Batch:
    __slots__ = ("began_at", "given_up", "wait", "waiting")

    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.waiting: dict[bytes, list[asyncio.Future[bytes | None]]] = {}
        self.given_up = False
        self.wait: Wait

    def let_go(self) -> None:
        self.given_up = True
        for futures in self.waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)


class Lookups:
    """`at_once`: MGET may name keys of several slots. `is_ours` is asked of a key and its value."""

    def __init__(
        self,
        line: Line,
        judge: Judge,
        wait_s: float,
        *,
        at_once: bool,
        is_ours: Callable[[bytes, bytes], bool] = may_be_under,
    ) -> None:
        self._line = line
        self._judge = judge
        self._wait_s = wait_s
        self._at_once = at_once
        self._is_ours = is_ours
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Batch] = deque()
        self._filling: _Batch | None = None
        self._busy_count = 0
        self._workers: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Lookups {self._busy_count} in flight, {len(self._queue)} wait>"

    def get(self, key: bytes) -> asyncio.Future[bytes | None]:
        """None where there is nothing, where that is not known, or not in time."""
        batch = self._filling
        if batch is None or len(batch.waiting) >= KEYS_MAX:
            batch = self._begin()
        future: asyncio.Future[bytes | None] = self._loop.create_future()
        batch.waiting.setdefault(key, []).append(future)
        return future

    async def aclose(self) -> None:
        """Who waits gets None."""
        for batch in self._queue:
            batch.wait.end()
            batch.let_go()
        await end(*self._workers)

    def _begin(self) -> _Batch:
        batch = self._filling = _Batch(self._loop.time())
        batch.wait = Wait(self._wait_s, partial(self._too_late, batch))
        self._queue.append(batch)
        if self._busy_count < IN_FLIGHT_MAX:
            self._busy_count += 1
            # It begins in the next pass: all who ask in this one come along.
            worker = self._loop.create_task(self._work(), name="shared cache lookups")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return batch

    async def _work(self) -> None:
        try:
            while self._queue:
                batch = self._queue.popleft()
                if batch is self._filling:
                    self._filling = None
                if not batch.given_up:
                    await self._look_up(batch)
        finally:
            self._busy_count -= 1

    async def _look_up(self, batch: _Batch) -> None:
        keys = list(batch.waiting)
        try:
            found = await self._values(keys, batch)
        except NonsenseError:
            self._judge.nonsense(batch.began_at)
        except Exception as error:  # noqa: BLE001 - whatever a broken server makes of the library
            self._judge.failed(batch.began_at, error)
        else:
            if batch.wait.end():
                self._judged(batch, found)
                for futures, value in zip(batch.waiting.values(), found, strict=True):
                    for future in futures:
                        if not future.done():
                            future.set_result(value)
        finally:
            batch.wait.end()
            batch.let_go()

    def _judged(self, batch: _Batch, found: Sequence[bytes | None]) -> None:
        for key, value in zip(batch.waiting, found, strict=True):
            if value is None or self._is_ours(key, value):
                self._judge.in_time()
                return
        self._judge.foreign(batch.began_at)

    async def _values(self, keys: Sequence[bytes], batch: _Batch) -> Sequence[bytes | None]:
        if len(keys) == 1:
            reply = await self._line.exchange([("GET", keys[0])], batch.wait.sent)
        elif self._at_once:
            (reply,) = await self._line.exchange([("MGET", *keys)], batch.wait.sent)
        else:
            reply = await self._line.exchange([("GET", key) for key in keys], batch.wait.sent)
        return values(reply, len(keys))

    def _too_late(self, batch: _Batch) -> None:
        if batch is self._filling:
            self._filling = None
        batch.let_go()
        self._judge.late(batch.began_at)

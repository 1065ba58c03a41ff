"""What Redis is told and nobody waits for: in order, a few at a time, from a bounded queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from service.redis_door import Line, Words, end

ENTRIES_MAX = 1000
BYTES_MAX = 32 * 1024 * 1024
AT_ONCE_MAX = 64
AT_ONCE_BYTES_MAX = 256 * 1024
"""One that is larger goes by itself."""


class Dropped(Exception):  # noqa: N818 - what became of it
    """It was not sent: nobody is there to take it."""


def _ignore(_: Any) -> None: ...


@dataclass(slots=True, eq=False)
class Errand:
    """`done` is called once, with the reply or with the Exception in place of it, and not raises.

    `words` makes the command when its turn has come: at once, or by and by if it takes long. None
    means that there is nothing to send.
    """

    words: Callable[[], Words | Awaitable[Words] | None]
    size_bytes: int = 0
    done: Callable[[Any], None] = _ignore


class Errands:
    """`may_go` tells whether there is any use in sending."""

    def __init__(self, line: Line, may_go: Callable[[], bool], in_flight_max: int = 1) -> None:
        """With more than one in flight there is no order."""
        self._line = line
        self._may_go = may_go
        self._in_flight_max = in_flight_max
        self._queue: deque[Errand] = deque()
        self._bytes = 0
        self._added_count = 0
        self._done_count = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        """Who waits until so many are done."""
        self._busy_count = 0
        self._workers: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Errands {len(self._queue)} wait, {self._bytes} bytes>"

    def add(self, errand: Errand) -> bool:
        """False if there is no room: then it is forgotten."""
        size_bytes = errand.size_bytes
        if len(self._queue) >= ENTRIES_MAX or (
            self._queue and self._bytes + size_bytes > BYTES_MAX
        ):
            return False
        self._queue.append(errand)
        self._bytes += size_bytes
        self._added_count += 1
        if self._busy_count < self._in_flight_max:
            self._busy_count += 1
            worker = asyncio.get_running_loop().create_task(self._work(), name="errands to Redis")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return True

    async def settled(self) -> None:
        """Returns when all that was added before is done."""
        if self._done_count < self._added_count:
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._added_count, settled))
            await settled

    async def aclose(self) -> None:
        """What waits is dropped."""
        await end(*self._workers)
        dropped = list(self._queue)
        self._queue.clear()
        self._bytes = 0
        self._end(dropped, [Dropped() for _ in dropped])

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._go(self._take())
        finally:
            self._busy_count -= 1

    def _take(self) -> list[Errand]:
        taken: list[Errand] = []
        size_bytes = 0
        while self._queue and len(taken) < AT_ONCE_MAX:
            size_bytes += self._queue[0].size_bytes
            if taken and size_bytes > AT_ONCE_BYTES_MAX:
                break
            taken.append(self._queue.popleft())
            self._bytes -= taken[-1].size_bytes
        return taken

    async def _go(self, errands: list[Errand]) -> None:
        replies: list[Any] = [Dropped() for _ in errands]
        places: list[int] = []
        commands: list[Words] = []
        try:
            for place, errand in enumerate(errands if self._may_go() else ()):
                words = await _words(errand)
                if isinstance(words, tuple):
                    places.append(place)
                    commands.append(words)
                else:
                    replies[place] = words
            heard = await self._exchange(commands)
            for place, reply in zip(places, heard, strict=True):
                replies[place] = reply
        finally:
            self._end(errands, replies)

    def _end(self, errands: list[Errand], replies: list[Any]) -> None:
        for errand, reply in zip(errands, replies, strict=True):
            errand.done(reply)
        self._done_count += len(errands)
        while self._waiting and self._waiting[0][0] <= self._done_count:
            _, settled = self._waiting.popleft()
            if not settled.done():
                settled.set_result(None)

    async def _exchange(self, commands: list[Words]) -> list[Any]:
        if not commands:
            return []
        try:
            return await self._line.exchange(commands)
        except Exception as error:  # noqa: BLE001 - whatever a broken server makes of the library
            return [error] * len(commands)


async def _words(errand: Errand) -> Words | Exception | None:
    try:
        words = errand.words()
        return words if words is None or isinstance(words, tuple) else await words
    except ValueError as error:
        return error

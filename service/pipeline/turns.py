"""Who may begin when candidates are at their learned limits: a bounded wait, the nearest deadline
first. Never refuses while a candidate has room.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from itertools import count

from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.pipeline.scoreboard import Scoreboard

_RETRY_AFTER_S = 1.0


class _Waiter:
    """One request in line, for any of its candidates."""

    def __init__(self) -> None:
        self.granted: asyncio.Future[ModelRef] = asyncio.get_running_loop().create_future()


class Turns:
    """`waiting_max` may be changed at any time."""

    def __init__(self, board: Scoreboard, waiting_max: int) -> None:
        self.waiting_max = waiting_max
        self._board = board
        self._lines: dict[ModelRef, list[tuple[float, int, _Waiter]]] = {}
        self._number = count()
        self._waiting_count = 0
        board.freed.append(self._freed)

    def __repr__(self) -> str:
        return f"<Turns {self._waiting_count}/{self.waiting_max} waiting>"

    @property
    def waiting_count(self) -> int:
        return self._waiting_count

    def has_room(self, target: ModelRef) -> bool:
        """Whether an attempt may begin there now; nobody overtakes those who wait."""
        return self._board.has_room(target) and not self._line(target)

    async def wait(self, targets: Sequence[ModelRef], deadline: float) -> ModelRef:
        """Waits until one of `targets` has room, which is then reserved: `began` takes it up.

        Raises ServiceFailure SERVER_OVERLOADED when too many wait, TimeoutError at `deadline` (loop
        time).
        """
        if self._waiting_count >= self.waiting_max:
            raise ServiceFailure(
                ErrorReason.SERVER_OVERLOADED,
                f"every candidate is at its limit and {self._waiting_count} requests wait already",
                retry_after_s=_RETRY_AFTER_S,
            )
        waiter = _Waiter()
        for target in targets:
            entry = (deadline, next(self._number), waiter)
            heapq.heappush(self._lines.setdefault(target, []), entry)
        self._waiting_count += 1
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter.granted
        except BaseException:
            if waiter.granted.done() and not waiter.granted.cancelled():
                # Its turn came just as it left: the next one's turn.
                self._board.unreserve(waiter.granted.result())
            raise
        finally:
            waiter.granted.cancel()
            self._waiting_count -= 1

    def _line(self, target: ModelRef) -> list[tuple[float, int, _Waiter]]:
        line = self._lines.get(target)
        if line is None:
            return []
        while line and line[0][2].granted.done():
            heapq.heappop(line)
        if not line:
            del self._lines[target]
        return line

    def _freed(self, target: ModelRef) -> None:
        while self._board.has_room(target):
            line = self._line(target)
            if not line:
                return
            _, _, waiter = heapq.heappop(line)
            self._board.reserve(target)
            waiter.granted.set_result(target)

"""How long a request waits for Redis, told apart from how long this process is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_PASSES_TO_SEND = 8
"""Of the loop, until a connection is made and a command is written."""
PASSES_TO_HEAR = 3
"""One in which sockets are looked at, and those in which what was read becomes an answer."""


class Wait:
    """Calls `too_late` after `wait_s`, unless it has ended before.

    When the time is over the loop goes round a few more times: a timer that fires late, or before
    the sockets are looked at, says nothing about Redis. An idle loop does that in microseconds.
    `passes` is how often, unless `sent` is called.
    """

    __slots__ = ("_handle", "_loop", "_over", "_passes", "_too_late")

    def __init__(
        self, wait_s: float, too_late: Callable[[], None], passes: int = _PASSES_TO_SEND
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._too_late = too_late
        self._passes = passes
        self._over = False
        self._handle: asyncio.Handle = self._loop.call_later(wait_s, self._time_is_over)

    def sent(self) -> None:
        """What is waited for is written now."""
        self._passes = PASSES_TO_HEAR

    def end(self) -> bool:
        """True if it was not too late."""
        self._handle.cancel()
        in_time, self._over = not self._over, True
        return in_time

    def _time_is_over(self) -> None:
        if self._over:
            return
        if self._passes > 0:
            self._passes -= 1
            self._handle = self._loop.call_soon(self._time_is_over)
            return
        self._over = True
        self._too_late()

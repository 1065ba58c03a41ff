"""How long a stream may fall silent: one timer for the whole of it, moved on when it fires.

A timer for each event would cost more than the event. Only waiting for the provider counts: the
time that a caller takes to read is not the provider's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

T = TypeVar("T")


class OutOfPatience(Exception):  # noqa: N818 - a signal within the pipeline, told to nobody
    """The next event did not come in its time."""


class Patience:
    """`end` tells, in loop time, beyond when no event may be waited for. It may move to a later
    moment. Close it when done.
    """

    def __init__(self, idle_s: float, end: Callable[[], float]) -> None:
        self.waited_s = 0.0
        """The time that was spent waiting."""
        self._idle_s = idle_s
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._task: asyncio.Task[object] | None = None
        self._since: float | None = None
        self._cancelling = 0
        self._fired = False
        self.silent_s = 0.0
        """How long the last wait took that ran out."""
        now = self._now()
        self._timer = self._loop.call_at(min(now + idle_s, end()), self._look)

    def close(self) -> None:
        self._timer.cancel()

    async def following(self, events: AsyncIterator[T]) -> T | None:
        """The next event, None after the last. Raises OutOfPatience."""
        self._task = asyncio.current_task()
        asked = self._now()
        if asked >= self._end():
            raise OutOfPatience
        self._since = asked
        self._cancelling = self._task.cancelling() if self._task else 0
        try:
            event = await anext(events, None)
        except asyncio.CancelledError:
            if self._ours():
                self.silent_s = self._now() - asked
                self.waited_s += self.silent_s
                raise OutOfPatience from None
            raise
        finally:
            self._since = None
        self.waited_s += self._now() - asked
        return event

    def _look(self) -> None:
        now = self._now()
        if self._since is None:
            # Nobody waits now. Whoever begins to is looked at before his time is over.
            soon = now + self._idle_s / 2
            end = self._end()
            # Where the end has come it may still be moved: then it is looked at a little later.
            self._timer = self._loop.call_at(min(soon, end) if now < end else soon, self._look)
            return
        until = min(self._since + self._idle_s, self._end())
        if now < until:
            self._timer = self._loop.call_at(until, self._look)
        elif self._task is not None:
            self._fired = True
            self._task.cancel()

    def _ours(self) -> bool:
        """Whether the cancellation was ours alone: as asyncio.timeout tells."""
        if not self._fired or self._task is None:
            return False
        return self._task.uncancel() <= self._cancelling

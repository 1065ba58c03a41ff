"""Cancels calls that go on beyond their end: a bound for faults of what serves them.

One timer for all of them: a timer for each would cost more than looking an answer up.
"""

from __future__ import annotations

import asyncio
import math


class Overruns:
    """Moments are in the event loop's time. To be used in one loop."""

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[object], float] = {}
        self._cancelled: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = math.inf

    def __repr__(self) -> str:
        return f"<Overruns of {len(self._ends)} calls>"

    def watch(self, task: asyncio.Task[object], end: float) -> None:
        """Cancels the task at `end`, unless it is left alone before."""
        self._ends[task] = end
        if end < self._fires_at:
            self._arm(end)

    def leave(self, task: asyncio.Task[object]) -> None:
        """Leaves it alone. Called more than once it does nothing."""
        self._ends.pop(task, None)

    def was_it(self, task: asyncio.Task[object]) -> bool:
        """Whether a cancellation that came to the task is ours, and nobody else's."""
        if task not in self._cancelled:
            return False
        self._cancelled.discard(task)
        return task.uncancel() == 0

    def _arm(self, end: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at = end
        self._timer = asyncio.get_running_loop().call_at(end, self._fire)

    def _fire(self) -> None:
        self._timer, self._fires_at = None, math.inf
        # Timers may fire a moment early: what would be due within it is due.
        now = asyncio.get_running_loop().time() + 0.001
        for task in [task for task, end in self._ends.items() if end <= now]:
            del self._ends[task]
            self._cancelled.add(task)
            task.cancel()
        if self._ends:
            self._arm(min(self._ends.values()))

"""Watches from a thread of its own how late the event loop is.

A loop that is blocked serves nobody, and cannot tell so itself: this thread logs where it stands,
and how long it stood there. It never interrupts it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable

import structlog

INTERVAL_S = 0.25
BLOCKED_S = 0.5
"""Later than that is told in the log."""
STALLED_S = 30.0
"""Later than that the process is better begun anew."""
MEMORY_S = 60.0
_FRAMES_MAX = 12
_log = structlog.get_logger()


class LoopWatchdog:
    """`start` in the thread of the loop that is watched. Safe to be asked from any thread."""

    def __init__(
        self,
        *,
        interval_s: float = INTERVAL_S,
        blocked_s: float = BLOCKED_S,
        stalled_s: float = STALLED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = interval_s
        self._blocked_s = blocked_s
        self._stalled_s = stalled_s
        self._clock = clock
        self._asked_at: float | None = None
        """When the loop was asked last, None where it has answered."""
        self._lag_s = 0.0
        self._worst: deque[tuple[float, float]] = deque()
        """Lags, and when each was measured; each one larger than all that came later."""
        self._answered = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<LoopWatchdog {self.lag_s * 1000:.0f} ms late>"

    @property
    def lag_s(self) -> float:
        """How late the loop is, or was when it answered last."""
        asked_at = self._asked_at
        return self._lag_s if asked_at is None else max(self._lag_s, self._clock() - asked_at)

    @property
    def is_stalled(self) -> bool:
        return self.lag_s > self._stalled_s

    @property
    def lag_max_s(self) -> float:
        """The largest lag of the last minute: who asks now and then misses none."""
        since = self._clock() - MEMORY_S
        return max([self.lag_s, *(lag_s for at, lag_s in tuple(self._worst) if at >= since)])

    def start(self) -> None:
        loop, thread_id = asyncio.get_running_loop(), threading.get_ident()
        self._thread = threading.Thread(
            target=self._run, args=(loop, thread_id), name="loop-watchdog", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._answered.set()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def _run(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        while not self._stop.wait(self._interval_s):
            self._answered.clear()
            asked_at = self._asked_at = self._clock()
            try:
                loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:
                return  # The loop is closed.
            if not self._answered.wait(self._blocked_s):
                self._tell(thread_id)
                self._answered.wait()
                blocked_s = round(self._clock() - asked_at, 3)
                _log.warning("the event loop goes on", blocked_s=blocked_s)
            self._remember(self._clock() - asked_at)
            self._asked_at = None

    def _remember(self, lag_s: float) -> None:
        now, worst = self._clock(), self._worst
        self._lag_s = lag_s
        while worst and worst[-1][1] <= lag_s:
            worst.pop()
        worst.append((now, lag_s))
        while worst[0][0] < now - MEMORY_S:
            worst.popleft()

    def _tell(self, thread_id: int) -> None:
        frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - no other door
        frame = frames.get(thread_id)
        stack = traceback.format_stack(frame)[-_FRAMES_MAX:] if frame else []
        _log.warning(
            "the event loop is blocked: nobody is served meanwhile",
            since_s=round(self.lag_s, 3),
            stack="".join(stack),
        )

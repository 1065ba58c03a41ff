"""The time on the clock of Redis, which replicas share. Pure but for reading this host's clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_SAMPLES_MAX = 8


class SharedClock:
    """This host's own time until Redis has told its own.

    The answer to TIME was made while it was under way: half-way, give or take. So of the last few
    samples the one that took least is believed; older ones are forgotten when they contradict it,
    as one of the clocks was set.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.offset_s = 0.0
        self._clock = clock
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES_MAX)
        """How long each took, and the offset it tells; both in seconds."""

    def __repr__(self) -> str:
        return f"<SharedClock {self.offset_s * 1000.0:+.1f} ms>"

    def now(self) -> float:
        """Seconds since the epoch, on the clock of Redis."""
        return self._clock() + self.offset_s

    def read(self) -> float:
        """The same, on this host's own."""
        return self._clock()

    def heard(self, told: float, began_at: float, ended_at: float) -> None:
        """Redis told this moment, between two on this host's clock."""
        took_s = ended_at - began_at
        if took_s < 0.0:
            # This host's clock was set meanwhile.
            self._samples.clear()
            return
        offset_s = told - (began_at + took_s / 2.0)
        if any(abs(offset_s - o) > (took_s + t) / 2.0 + 0.001 for t, o in self._samples):
            self._samples.clear()
        self._samples.append((took_s, offset_s))
        self.offset_s = min(self._samples)[1]

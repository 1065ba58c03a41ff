"""What this replica did in the last seconds, for whoever watches it live."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

from service.domain.call_record import Record
from service.domain.counting import counts
from service.domain.live import WINDOW_MAX_S, Lately, Ring

_SETTLED_S = 0.2
"""So long after its end a second is whole: until then records are on their way."""


class Window(NamedTuple):
    """`end` is in seconds since the epoch."""

    end: float
    length_s: int
    lately: Lately


class Live:
    """A sink of the journal. It is filled on the journal's thread, and may be read on any."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._ring = Ring()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Live {self._ring!r}>"

    def __call__(self, records: Iterable[Record]) -> None:
        for record in records:
            if counts(record):
                # One at a time: a reader on the event loop must not wait for a whole batch.
                with self._lock:
                    self._ring.count(record)

    def window(self, now: float, length_s: int, tenant: str | None) -> Window:
        """The last whole seconds, up to `length_s` and not from before the start; at least one."""
        end = int(now - _SETTLED_S)
        length_s = max(1, min(length_s, WINDOW_MAX_S, end - int(self._started_at)))
        with self._lock:
            lately = self._ring.between(end - length_s, end, tenant)
        return Window(float(end), length_s, lately)

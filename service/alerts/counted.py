"""What rules read of this replica's traffic. A sink of the journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from service.domain.alert_readings import WindowRule, of_windows
from service.domain.alert_rules import Subject
from service.domain.alert_windows import Needs, Windows
from service.domain.alerts import Reading
from service.domain.call_record import Record

Readings = Mapping[Subject, Reading | None]


class Counted:
    """It is filled on the journal's thread, and may be read on any."""

    def __init__(self, since: float) -> None:
        self._windows = Windows(since)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Counted {self._windows!r}>"

    def __call__(self, records: Iterable[Record]) -> None:
        for record in records:
            # One at a time, so that a reader never waits for a whole batch.
            with self._lock:
                self._windows.count(record)

    def adopt(self, needs: Needs) -> None:
        with self._lock:
            self._windows.adopt(needs)

    def read(self, rules: Sequence[WindowRule], now: float) -> dict[str, Readings]:
        """By the name of the rule. `now` is in seconds since the epoch."""
        return {rule.name: self._read(rule, now) for rule in rules}

    def _read(self, rule: WindowRule, now: float) -> Readings:
        found: dict[Subject, Reading | None] = {}
        readings = of_windows(rule, self._windows, now)
        while True:
            with self._lock:
                one = next(readings, None)
            if one is None:
                return found
            found[one[0]] = one[1]
            # The event loop goes first: there may be hundreds of them.
            time.sleep(0)

"""Sums up what the journal tells, until the ledger takes it. Runs on the journal's thread.

Bounded: after so many sums those of a minute become those of an hour, and after twice as many what
would need a further one is lost, and counted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

from service.domain import counting
from service.domain.call_record import Record
from service.domain.cardinality import NameLimits, Names
from service.domain.rollup import Key, Rollup

SUMS_MAX = 20_000
"""About 2 kB each."""
_MINUTE_S = 60
_HOUR_S = 3600
Pending = Mapping[tuple[int, Key], Rollup]
"""By the start of a minute and the whole key."""


class Recorder:
    """A sink of the journal. `take` may be called on any thread; it waits for a batch to end.

    `labels` are the keys of those that are kept; they may be replaced at any time, as `names` may.
    """

    def __init__(self, labels: Sequence[str] = (), limits: NameLimits = NameLimits()) -> None:  # noqa: B008 - frozen
        self.labels = tuple(labels)
        self.names = Names(limits)
        self.is_on = True
        """Nobody takes what is recorded where no ledger is kept."""
        self.lost_count = 0
        self._pending: dict[tuple[int, Key], Rollup] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Recorder {len(self._pending)} sums, {self.lost_count} records lost>"

    def __call__(self, records: Iterable[Record]) -> None:
        if not self.is_on:
            return
        with self._lock:
            for record in records:
                if counting.counts(record):
                    self._record(record)

    def _record(self, record: Record) -> None:
        at, pending = int(record.ended_at), self._pending
        key = self.names.bounded(counting.key(record, self.labels), at)
        place = at - at % _MINUTE_S, key
        rollup = pending.get(place)
        if rollup is None:
            if len(pending) >= SUMS_MAX // 2:
                place = at - at % _HOUR_S, key
            rollup = pending.get(place)
            if rollup is None:
                if len(pending) >= SUMS_MAX:
                    self.lost_count += 1
                    return
                rollup = pending[place] = Rollup()
        counting.count(rollup, record)

    @property
    def is_empty(self) -> bool:
        return not self._pending

    def take(self) -> Pending:
        """What came since it was called last."""
        with self._lock:
            pending, self._pending = self._pending, {}
        return pending

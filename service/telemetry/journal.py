"""Every call and attempt that has ended, handed in batches to whoever keeps account of them.

The request path appends one record to a bounded queue. A thread of its own hands whole batches to
the sinks: the access log, the ledger, metrics and traces. What does not fit is dropped and counted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import length_hint

import structlog

from service.domain.call_record import Record

QUEUE_MAX = 100_000
BATCH_INTERVAL_S = 0.1
_BATCH_MAX = 1_000
Sink = Callable[[Iterable[Record]], None]
"""Takes one after the other. Where it raises that one is lost to it, and it is given the rest."""
_log = structlog.get_logger()


class Journal:
    """`sinks` run on the journal's thread; each one is told every record, in order.

    It may be changed at any time by replacing the tuple. `close` hands out what is left.
    """

    def __init__(self, sinks: tuple[Sink, ...] = (), *, queue_max: int = QUEUE_MAX) -> None:
        self.sinks = sinks
        self.dropped_count = 0
        self._queue: deque[Record] = deque()
        self._queue_max = queue_max
        self._told_count = 0
        self._failed: set[int] = set()
        self._stop = threading.Event()
        self._flushing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Journal {len(self._queue)} waiting, {self.dropped_count} dropped>"

    def put(self, record: Record) -> None:
        if len(self._queue) >= self._queue_max:
            self.dropped_count += 1
            return
        self._queue.append(record)

    def flush(self) -> None:
        """Hands out now what is waiting. Blocks while the sinks work: call it on a thread."""
        with self._flushing:
            while self._queue:
                count = min(len(self._queue), _BATCH_MAX)
                self._hand_out([self._queue.popleft() for _ in range(count)])
        self._tell_dropped()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(BATCH_INTERVAL_S):
            self.flush()
        self.flush()

    def _hand_out(self, batch: Sequence[Record]) -> None:
        for sink in self.sinks:
            rest, left = iter(batch), len(batch) + 1
            # A record that fails must not keep the others from it, nor one sink them from the next.
            while length_hint(rest) < left:
                left = length_hint(rest)
                try:
                    sink(rest)
                    break
                except Exception:  # noqa: BLE001 - as said above
                    self._tell_failed(sink)

    def _tell_failed(self, sink: Sink) -> None:
        """Once for each."""
        if id(sink) not in self._failed:
            self._failed.add(id(sink))
            _log.exception("records of calls were lost", sink=repr(sink))

    def _tell_dropped(self) -> None:
        count = self.dropped_count - self._told_count
        if count:
            self._told_count += count
            _log.warning("records of calls were dropped", count=count)

"""The decision log: one JSON line for each sampled decision, written on a thread of its own.

The request path only samples, and appends to a bounded queue; what does not fit is dropped and
counted. A file that cannot be written disturbs no request: the service's log tells it, once.
"""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import orjson
import structlog

from service.domain.decision import Decision
from service.domain.decision_record import record
from service.telemetry.bounded_file import BoundedFile

_QUEUE_MAX = 10_000
_BATCH_INTERVAL_S = 0.1
_TELL_INTERVAL_S = 60.0
_REMEDIES = {
    errno.ENOSPC: "make room on its disk, or lower routing.decision_log.bytes_max",
    errno.EDQUOT: "make room on its disk, or lower routing.decision_log.bytes_max",
    errno.EFBIG: "raise the limit of file sizes, or lower routing.decision_log.bytes_max",
    errno.EACCES: "let the service's user write to the file and its folder",
    errno.EPERM: "let the service's user write to the file and its folder",
    errno.EROFS: "name a file on a writable file system in routing.decision_log.file",
    errno.ENOENT: "create its folder",
}
_log = structlog.get_logger()


class _Made(NamedTuple):
    decision: Decision
    time_s: float


class DecisionLog:
    """Appends to `file`, which is put aside as `FILE.1` before it would exceed `bytes_max`.

    `sample` is the share of requests that is written. `close` writes what is left.
    """

    def __init__(self, file: Path, sample: float, bytes_max: int) -> None:
        self._file = BoundedFile(file, bytes_max)
        self._sample = sample
        self._queue: deque[_Made] = deque()
        # Each is counted by one thread alone.
        self._refused_count = 0
        self._lost_count = 0
        self._told_count = 0
        self._told_at = -_TELL_INTERVAL_S
        self._failure = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<DecisionLog {self._file.path}; {len(self._queue)} waiting>"

    @property
    def dropped_count(self) -> int:
        """Sampled decisions that are in no file."""
        return self._refused_count + self._lost_count

    def put(self, decision: Decision) -> None:
        if self._sample < 1.0 and not _sampled(decision.request_id, self._sample):
            return
        if len(self._queue) >= _QUEUE_MAX:
            self._refused_count += 1
            return
        self._queue.append(_Made(decision, time.time()))

    def close(self) -> None:
        """Waits for the disk, but not for ever."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(_BATCH_INTERVAL_S):
            self._flush()
        self._flush()
        self._tell_dropped()
        self._file.close()

    def _flush(self) -> None:
        lines = deque(self._lines())
        if not lines:
            return
        try:
            self._file.append(lines)
        except OSError as error:
            self._lost_count += len(lines)
            self._tell_failure(error)
            return
        if self._failure:
            self._failure = ""
            _log.warning("decision log is written again", file=str(self._file.path))
            self._tell_dropped()
        elif time.monotonic() - self._told_at >= _TELL_INTERVAL_S:
            self._tell_dropped()

    def _lines(self) -> list[bytes]:
        lines: list[bytes] = []
        for _ in range(len(self._queue)):
            # Lets the event loop in: a whole batch could keep it waiting for milliseconds.
            time.sleep(0)
            made = self._queue.popleft()
            try:
                fields = record(*made)
                line = orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
            except Exception:  # noqa: BLE001 - a fault in one record must not end the log
                _log.exception("a decision cannot be logged", request_id=made.decision.request_id)
                line = b""
            if line and len(line) <= self._file.bytes_max:
                lines.append(line)
            else:
                self._lost_count += 1
        return lines

    def _tell_failure(self, error: OSError) -> None:
        failure = error.strerror or str(error)
        if failure == self._failure:
            return
        self._failure = failure
        _log.error(
            "decision log cannot be written; decisions are dropped until it can",
            file=str(self._file.path),
            error=failure,
            hint=_REMEDIES.get(error.errno or 0, "see what the error says"),
        )

    def _tell_dropped(self) -> None:
        count = self.dropped_count - self._told_count
        if not count:
            return
        self._told_count += count
        self._told_at = time.monotonic()
        _log.warning("decisions dropped from the decision log", count=count)


def _sampled(request_id: str, share: float) -> bool:
    """By the id, so that whoever sees the request decides the same."""
    digest = hashlib.blake2b(request_id.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2.0**64

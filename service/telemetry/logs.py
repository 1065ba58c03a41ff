"""Structured logs, rendered and written on a thread of their own.

A log call on the request path appends one record to a bounded queue; the writer redacts, renders
and writes whole batches. When the queue is full records are dropped and counted, never waited for.
"""

from __future__ import annotations

import collections
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import orjson
import structlog

from service.telemetry.redaction import Redactor

_QUEUE_MAX = 10_000
_BATCH_INTERVAL_S = 0.1


class LogWriter:
    """Writes records to `out` every tenth of a second. `close` writes what is left."""

    def __init__(self, redactor: Redactor, *, json: bool, out: TextIO | None = None) -> None:
        self.dropped_count = 0
        self._told_count = 0
        self.also: Callable[[str, Mapping[str, Any], float], None] | None = None
        """Told each line as it is written, its fields, and when it came. It must not raise."""
        self._redactor = redactor
        self._json = json
        self._out = out or sys.stderr
        self._queue: collections.deque[tuple[Mapping[str, Any], bool]] = collections.deque()
        self._second = -1
        self._second_text = ""
        self._stop = threading.Event()
        self._flushing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, record: Mapping[str, Any], *, plain: bool = False) -> None:
        """`plain` says that no field is named like a secret, at any depth."""
        if len(self._queue) >= _QUEUE_MAX:
            self.dropped_count += 1
            return
        self._queue.append((record, plain))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(_BATCH_INTERVAL_S):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Writes now what is waiting. Blocks while it is written: call it on a thread."""
        with self._flushing:
            self._flush()

    def _flush(self) -> None:
        lines: list[str] = []
        dropped = self.dropped_count - self._told_count
        if dropped:
            self._told_count += dropped
            lines.append(self._line({"event": "log records dropped", "count": dropped}))
        while self._queue:
            record, plain = self._queue.popleft()
            try:
                lines.append(self._line(record, plain=plain))
            except Exception as error:  # noqa: BLE001 - values are anybody's, and the log must go on
                lines.append(self._line(_unrendered(record, error)))
        if not lines:
            return
        try:
            self._out.write("\n".join(lines) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            # A full disk or a closed pipe must not take the service down; the count tells it later.
            self.dropped_count += len(lines)

    def _line(self, record: Mapping[str, Any], *, plain: bool = False) -> str:
        fields = dict(record) if plain else self._redactor.named(record)
        at = fields.pop("at", None) or time.time()
        stamp = f"{self._second_of(int(at))}.{int(at * 1000) % 1000:03d}Z"
        level = fields.pop("level", "info")
        event = fields.pop("event", "")
        if self._json:
            record = {"time": stamp, "level": level, "event": event, **fields}
            line = orjson.dumps(record, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        else:
            rest = " ".join(f"{name}={value}" for name, value in fields.items())
            line = f"{stamp} {level:<8} {event} {rest}".rstrip()
        # The whole line at once: it costs a fraction of redacting each field by itself.
        line = self._redactor.text(line)
        also = self.also
        if also is not None:
            # By itself, as nobody knows where in the line it stands.
            event = event if plain else self._redactor.text(str(event))
            also(line, {"event": event, "level": level, **fields}, at)
        return line

    def _second_of(self, at: int) -> str:
        if at != self._second:
            self._second = at
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
        return self._second_text


def _unrendered(record: Mapping[str, Any], error: Exception) -> Mapping[str, Any]:
    return {
        "level": "error",
        "event": "a record of the log cannot be rendered",
        "record": ascii(record.get("event", ""))[1:-1],
        "error": ascii(error),
    }


class Bridge(logging.Handler):
    """Brings the records of libraries into the same stream."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {
            "at": record.created,
            "level": record.levelname.lower(),
            "event": _message(record),
            "logger": record.name,
        }
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        self._writer.put(fields)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - its values do not fit its words, or cannot be told
        return str(record.msg)


def configure(level: str, writer: LogWriter) -> None:
    """Sends structlog's and the standard library's records of at least `level` to `writer`."""
    threshold = logging.getLevelNamesMapping()[level.upper()]

    def enqueue(
        _logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["at"] = time.time()
        event["level"] = method
        writer.put(event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.format_exc_info, enqueue],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [Bridge(writer)]
    root.setLevel(max(threshold, logging.WARNING))

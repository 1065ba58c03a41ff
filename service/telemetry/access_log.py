"""One line of the log for each call, made on the journal's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from service.domain.call_record import CallRecord, Record
from service.domain.reasons import FaultOwner, fault_owner


class AccessLog:
    """A sink of the journal. `write` takes one line as its fields, none named like a secret."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        self._write = write

    def __repr__(self) -> str:
        return "<AccessLog>"

    def __call__(self, records: Iterable[Record]) -> None:
        for record in records:
            if isinstance(record, CallRecord):
                self._write(_line(record))


def _line(record: CallRecord) -> dict[str, Any]:
    reason = record.reason
    quiet = reason is None or fault_owner(reason) is FaultOwner.CALLER
    line: dict[str, Any] = {
        "event": "call",
        "level": "info" if quiet else "warning",
        "at": record.ended_at,
        "method": record.method,
        "code": record.code,
        "duration_ms": round(record.total_s * 1000, 3),
        "request_id": record.request_id,
        "caller": record.caller,
        "tenant": record.tenant,
    }
    if record.trace_id:
        line["trace_id"] = record.trace_id
    if record.span is not None:
        line["span_id"] = record.span.span_id
    if reason is not None:
        line["reason"] = reason.name
    failure = record.failure
    if failure is not None:
        line["message"] = failure.message
        if record.attempts:
            line["tried"] = [str(attempt) for attempt in record.attempts]
    if record.target is not None:
        line["provider"] = record.target.provider
        line["model"] = record.target.model
    if record.cache is not None:
        line["cache"] = record.cache.status.value
    if record.attempts or record.cache is not None:
        line["attempts"] = len(record.attempts)
    return line

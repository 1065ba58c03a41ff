"""Lines of the log for a collector: each as it stands in the log, with the trace it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

_NANO = 10**9
_NAME_CHARS_MAX = 100
_NOWHERE = set_span_in_context(INVALID_SPAN, Context())
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "exception": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


class LineMaker:
    """Fields as attributes would cost three times as much as the line itself."""

    def __init__(self, resource: Resource, scope: InstrumentationScope) -> None:
        self._resource = resource
        self._scope = scope

    def line(self, text: str, fields: Mapping[str, Any], at_s: float) -> ReadableLogRecord:
        """`fields` are those of `text`, which is redacted."""
        level = str(fields.get("level", "info"))
        at_ns = int(at_s * _NANO)
        record = LogRecord(
            timestamp=at_ns,
            observed_timestamp=at_ns,
            context=_NOWHERE,
            severity_text=level,
            severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
            body=text,
            event_name=str(fields.get("event", ""))[:_NAME_CHARS_MAX],
        )
        # What a context with a span in it would come to, at twice the cost.
        record.trace_id, record.span_id = _place(fields)
        return ReadableLogRecord(record, self._resource, self._scope)


def _place(fields: Mapping[str, Any]) -> tuple[int, int]:
    trace_id, span_id = fields.get("trace_id"), fields.get("span_id")
    if not isinstance(trace_id, str) or not isinstance(span_id, str):
        return 0, 0
    try:
        return int(trace_id, 16), int(span_id, 16)
    except ValueError:  # Somebody else's field of that name.
        return 0, 0

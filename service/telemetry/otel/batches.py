"""The SDK's queues before its exporters, which say how much did not fit.

They are given what nobody else changes: the SDK's own way in looks again at what is known here, and
copies lines twice over.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class SpanBatches(BatchSpanProcessor):
    dropped_count = 0
    """Where the queue is full, the oldest is given up for the newest."""

    def put(self, span: ReadableSpan) -> None:
        self.dropped_count += _is_full(self._batch_processor)
        self._batch_processor.emit(span)


class LineBatches(BatchLogRecordProcessor):
    dropped_count = 0
    """As of spans."""

    def put(self, line: ReadableLogRecord) -> None:
        self.dropped_count += _is_full(self._batch_processor)
        self._batch_processor.emit(line)


def _is_full(processor: Any) -> bool:
    # As the processor itself asks, and tells nobody but its log.
    return len(processor._queue) >= processor._max_queue_size  # noqa: SLF001

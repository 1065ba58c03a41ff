"""The queues before the exporters."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from service.telemetry.content import ContentPolicy
from service.telemetry.otel.batches import LineBatches, SpanBatches
from service.telemetry.otel.lines import LineMaker
from service.telemetry.otel.spans import SpanMaker
from service.telemetry.otel.tracing import Tracing
from service.telemetry.redaction import Redactor
from tests.unit.telemetry.records import SAMPLED, attempt

SCOPE, RESOURCE = InstrumentationScope("t"), Resource({})


class SlowSpans(SpanExporter):
    """Takes nothing more until it is let go on."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.is_asked = threading.Event()
        self.go_on = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.is_asked.set()
        self.go_on.wait(5)
        self.names += [span.name for span in spans]
        return SpanExportResult.SUCCESS


class SlowLines(LogRecordExporter):
    def __init__(self) -> None:
        self.bodies: list[object] = []
        self.is_asked = threading.Event()
        self.go_on = threading.Event()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.is_asked.set()
        self.go_on.wait(5)
        self.bodies += [line.log_record.body for line in batch]
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002 - the library's name
        return True


def test_spans_that_do_not_fit_are_counted() -> None:
    """What was put while the exporter was busy is told or counted as dropped, and never both."""
    exporter = SlowSpans()
    batches = SpanBatches(exporter, max_queue_size=5, max_export_batch_size=5)
    maker = SpanMaker(RESOURCE, SCOPE, str, lambda: "d" * 16)
    tracing = Tracing(maker, batches.put, ContentPolicy(Redactor()))
    for number in range(30):
        tracing.attempt(attempt(SAMPLED))
        if number == 4:
            assert exporter.is_asked.wait(5)
    exporter.go_on.set()
    batches.shutdown()

    assert 20 == batches.dropped_count
    assert 10 == len(exporter.names)


def test_lines_that_do_not_fit_are_counted() -> None:
    """As of spans."""
    exporter = SlowLines()
    batches = LineBatches(exporter, max_queue_size=5, max_export_batch_size=5)
    maker = LineMaker(RESOURCE, SCOPE)
    for number in range(30):
        batches.put(maker.line(str(number), {"event": "e"}, 1000.0))
        if number == 4:
            assert exporter.is_asked.wait(5)
    exporter.go_on.set()
    batches.shutdown()

    assert 20 == batches.dropped_count
    assert 10 == len(exporter.bodies)

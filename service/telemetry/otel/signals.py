"""Traces, metrics and logs together: what makes them, what exports them, and their end.

A sink of the journal. Everything that exports runs on threads of its own, from bounded queues.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from service.domain.call_record import AttemptRecord, CallRecord, Record
from service.domain.span_context import SpanContext
from service.telemetry.catalogue import Metric
from service.telemetry.content import ContentPolicy
from service.telemetry.keeping import Keeping
from service.telemetry.measuring import Measuring
from service.telemetry.otel.batches import LineBatches, SpanBatches
from service.telemetry.otel.exporters import exporter
from service.telemetry.otel.lines import LineMaker
from service.telemetry.otel.observing import Reading, observe
from service.telemetry.otel.points import Points, PushReader
from service.telemetry.otel.prometheus import PrometheusPage
from service.telemetry.otel.quiet import hush
from service.telemetry.otel.spans import SpanMaker
from service.telemetry.otel.tracing import Tracing
from service.telemetry.tallies import Sample, Tallies
from service.telemetry.terms import OtelVariables, Signal, TelemetryTerms

SCOPE = "aiprovider"
_UNSAID = "unknown_service"
_BREATHE_EVERY = 128
"""After so many records, about half a millisecond, the event loop is let in."""


class Signals:
    """Raises ValueError for what the variables say and nobody understands, OSError where
    Prometheus cannot be served.
    """

    def __init__(
        self,
        terms: TelemetryTerms,
        kinds: Mapping[str, str],
        content: ContentPolicy,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        hush()
        variables = OtelVariables(environ)
        self._resource = _resource(terms)
        self._scope = InstrumentationScope(SCOPE, terms.service_version or None)
        self._tallies = Tallies()
        self.measuring = Measuring(self._tallies, kinds, terms.tenants)
        self.keeping = Keeping(terms.slow_s, terms.tail_per_s_max)
        self._samples = environ.get("OTEL_METRICS_EXEMPLAR_FILTER", "") != "always_off"
        self._spans: SpanBatches | None = None
        self._tracing: Tracing | None = None
        if variables.sends(Signal.TRACES, terms):
            self._spans = SpanBatches(exporter(Signal.TRACES, terms, variables))
            maker = SpanMaker(self._resource, self._scope, self.measuring.vendor, _span_id)
            self._tracing = Tracing(maker, self._spans.put, content)
        self._lines: LineBatches | None = None
        if variables.sends(Signal.LOGS, terms):
            self._lines = LineBatches(exporter(Signal.LOGS, terms, variables))
        self._line_maker = LineMaker(self._resource, self._scope)
        self.page: PrometheusPage | None = None
        readers: list[MetricReader] = []
        if variables.sends(Signal.METRICS, terms):
            sender = exporter(Signal.METRICS, terms, variables)
            # The exporter has read the variable that chooses it, and tells it nobody.
            chosen: Any = sender._preferred_temporality  # noqa: SLF001 - as said above
            readers.append(PushReader(sender, self._points(chosen)))
        if variables.serves_prometheus(terms):
            self.page = PrometheusPage(terms, variables, self._points(None))
            readers.append(self.page.reader)
        self._meters = MeterProvider(readers, self._resource, shutdown_on_exit=False)

    def __repr__(self) -> str:
        told = [
            name
            for name, one in (("traces", self._spans), ("logs", self._lines), ("page", self.page))
            if one is not None
        ]
        return f"<Signals {', '.join(told) or 'metrics'}; {self._tallies!r}>"

    @property
    def tells_lines(self) -> bool:
        return self._lines is not None

    @property
    def dropped(self) -> Mapping[str, Callable[[], int]]:
        """By the name of a queue: how many found it full."""
        found: dict[str, Callable[[], int]] = {"tail": lambda: self.keeping.dropped_count}
        for name, batches in (("spans", self._spans), ("lines", self._lines)):
            if batches is not None:
                found[name] = partial(getattr, batches, "dropped_count")
        return found

    def observe(self, readings: Mapping[Metric, Reading]) -> None:
        """From now on they are read at each export."""
        observe(self._meters.get_meter(SCOPE), readings)

    def __call__(self, records: Iterable[Record]) -> None:
        """On the journal's thread."""
        rest, is_more = iter(records), True
        while is_more:
            with self._tallies.lock:
                is_more = False
                for record in islice(rest, _BREATHE_EVERY):
                    is_more = True
                    if isinstance(record, AttemptRecord):
                        self._attempt(record)
                    else:
                        self._call(record)
            time.sleep(0)

    def line(self, text: str, fields: Mapping[str, Any], at_s: float) -> None:
        """On the log writer's thread."""
        if self._lines is not None:
            self._lines.put(self._line_maker.line(text, fields, at_s))

    def flush(self) -> None:
        """Exports now. Blocks: call it on a thread."""
        self._meters.force_flush()
        if self._spans is not None:
            self._spans.force_flush()
        if self._lines is not None:
            self._lines.force_flush()

    def close(self, within_s: float) -> bool:
        """Exports what is left; False when that took too long. Blocks: call it on a thread."""
        ends = [self._meters.shutdown]
        ends += [one.shutdown for one in (self._spans, self._lines) if one is not None]
        if self.page is not None:
            ends.append(self.page.close)
        # A thread each, which dies with the process: a dead collector keeps nobody from ending.
        threads = [threading.Thread(target=end, daemon=True) for end in ends]
        for thread in threads:
            thread.start()
        until = time.monotonic() + within_s
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _call(self, record: CallRecord) -> None:
        kept = self.keeping.why(record) if self._tracing is not None else None
        sample = None
        if kept is not None and record.span is not None:
            sample = self._sample(record.span, record.span.span_id, record.ended_at)
        self.measuring.call(record, sample)
        if self._tracing is not None:
            self._tracing.call(record, kept)

    def _attempt(self, record: AttemptRecord) -> None:
        span, sample = record.span, None
        if self._tracing is not None and span is not None and span.sampled:
            sample = self._sample(span, record.attempt.span_id, record.ended_at)
        self.measuring.attempt(record, sample)
        if self._tracing is not None:
            self._tracing.attempt(record)

    def _sample(self, span: SpanContext, span_id: str, at_s: float) -> Sample | None:
        return Sample(0.0, at_s, span.trace_id, span_id) if self._samples else None

    def _points(self, temporality: Any) -> Points:
        return Points(self._tallies, self._resource, self._scope, temporality)


def _resource(terms: TelemetryTerms) -> Resource:
    """What the variables say wins over the configuration."""
    said = Resource.create({})
    own = {
        "service.name": terms.service_name,
        "service.version": terms.service_version,
        "service.instance.id": str(uuid.uuid4()),
        "deployment.environment.name": terms.environment,
        "host.name": socket.gethostname(),
    }
    if not str(said.attributes.get("service.name", _UNSAID)).startswith(_UNSAID):
        del own["service.name"]
    left = {
        name: value
        for name, value in own.items()
        if value and (name == "service.name" or name not in said.attributes)
    }
    whole = said.merge(Resource(left))
    return _HashedOnce(whole.attributes, whole.schema_url)


class _HashedOnce(Resource):
    """The SDK asks for the hash of a resource at each span, and makes JSON of it each time."""

    def __hash__(self) -> int:
        return hash(id(self))

    def __eq__(self, other: object) -> bool:
        return self is other


def _span_id() -> str:
    return f"{random.getrandbits(64) or 1:016x}"

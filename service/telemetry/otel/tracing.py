"""Which spans are told, and when: attempts end before the call that decides about them, or after.

Attempts of a trace that was not sampled wait, in a bounded number, for the end of their call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan

from service.domain.call_record import AttemptRecord, CallRecord
from service.telemetry.content import ContentPolicy
from service.telemetry.keeping import Kept
from service.telemetry.otel.spans import SpanMaker

WAITING_MAX = 2000
"""Calls whose attempts wait, or that ended lately and were told, or were not."""


class Tracing:
    """`tell` is given every span once."""

    def __init__(
        self, maker: SpanMaker, tell: Callable[[ReadableSpan], None], content: ContentPolicy
    ) -> None:
        self._maker = maker
        self._tell = tell
        self._content = content
        # By the id of the call's span, the oldest first.
        self._waiting: OrderedDict[str, list[AttemptRecord]] = OrderedDict()
        self._told: OrderedDict[str, None] = OrderedDict()
        self._untold: OrderedDict[str, None] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Tracing {len(self._waiting)} calls in the making>"

    def attempt(self, record: AttemptRecord) -> None:
        span = record.span
        if span is None:
            return
        if span.sampled or span.span_id in self._told:
            self._tell_attempt(record)
            return
        if span.span_id in self._untold:
            return
        self._waiting.setdefault(span.span_id, []).append(record)
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)

    def call(self, record: CallRecord, kept: Kept | None) -> None:
        span = record.span
        if span is None:
            return
        attempts = self._waiting.pop(span.span_id, ())
        if kept is None:
            # One that was answered had its attempts; another one may have left some behind.
            if record.code != "OK":
                _remember(self._untold, span.span_id)
            return
        if kept is not Kept.SAMPLED:
            _remember(self._told, span.span_id)
        for attempt in attempts:
            self._tell_attempt(attempt)
        for made in self._maker.call(record, span, kept):
            self._tell(made)

    def _tell_attempt(self, record: AttemptRecord) -> None:
        if record.span is not None and record.attempt.span_id:
            content = self._content.attributes(record)
            self._tell(self._maker.attempt(record, record.span, content))


def _remember(ended: OrderedDict[str, None], span_id: str) -> None:
    """Others may wait for an attempt yet that this call has left."""
    ended[span_id] = None
    if len(ended) > WAITING_MAX:
        ended.popitem(last=False)

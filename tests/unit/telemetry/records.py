"""Records of calls and attempts, as tests need them."""

from __future__ import annotations

from typing import Any

from service.domain.attempt import Attempt, Outcome
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.provider import ModelRef
from service.domain.span_context import SpanContext

METHOD = "/aiprovider.v1.CompletionService/Complete"
TARGET = ModelRef("openai", "gpt-4o")
SPAN = SpanContext("a" * 32, "b" * 16)
SAMPLED = SPAN._replace(sampled=True)


def call(span: SpanContext | None = SPAN, **fields: Any) -> CallRecord:
    given: dict[str, Any] = {
        "model": "gpt-4o",
        "code": "OK",
        "ended_at": 1000.0,
        "total_s": 0.5,
        **fields,
    }
    return CallRecord(METHOD, "r", span.trace_id if span else "", 0.0, span=span, **given)


def attempt(span: SpanContext | None = SPAN, method: str = METHOD, **fields: Any) -> AttemptRecord:
    given: dict[str, Any] = {"outcome": Outcome.OK, "duration_s": 0.4, "span_id": "c" * 16}
    made = Attempt(TARGET, **{**given, **fields})
    return AttemptRecord(999.9, "r", "t", method, "gpt-4o", {}, made, span)

"""What a call and its attempts look like as spans. Made after the fact, with times of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from service.domain.attempt import Outcome
from service.domain.cache_note import CacheStatus
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.span_context import SpanContext as Place
from service.telemetry import catalogue as of
from service.telemetry.finish_words import finish_word
from service.telemetry.keeping import Kept
from service.telemetry.measuring import SERVER_FAULTS, error_of, operation

Attributes = dict[str, str | bool | int | float | tuple[str, ...]]
_NANO = 10**9
_TOLD = TraceFlags(TraceFlags.SAMPLED)
_OK = Status(StatusCode.UNSET)
_WORTH_S = 0.001
"""Who waited for less was not kept waiting."""
_MODEL_CHARS_MAX = 256
"""Callers choose names of models."""


class _Shape(NamedTuple):
    name: str
    kind: SpanKind
    span_id: str
    parent_id: str
    is_remote: bool = False
    """Whether the parent is somebody else's."""


class SpanMaker:
    """`vendor` names whoever made a provider's models; `span_id` gives new ids."""

    def __init__(
        self,
        resource: Resource,
        scope: InstrumentationScope,
        vendor: Callable[[str], str],
        span_id: Callable[[], str],
    ) -> None:
        self._resource = resource
        self._scope = scope
        self._vendor = vendor
        self._span_id = span_id

    def call(self, record: CallRecord, span: Place, kept: Kept) -> list[ReadableSpan]:
        """The server span, and those of the cache and the queue, where they took part."""
        ended_s = record.ended_at
        began_s = ended_s - record.total_s
        shape = _Shape(
            record.method.lstrip("/"), SpanKind.SERVER, span.span_id, span.parent_id, is_remote=True
        )
        attributes = _call_attributes(record, kept)
        status = _OK
        if record.reason is not None and record.code in SERVER_FAULTS:
            attributes[of.ERROR] = record.reason.name
            status = Status(StatusCode.ERROR, record.reason.name)
        spans = [self._span(span, shape, (began_s, ended_s), attributes, status)]
        phases = record.phases
        cache = record.cache
        # A hit from memory is quick, and the call says it all.
        if (
            cache is not None
            and cache.key
            and (cache.status is not CacheStatus.HIT_LOCAL or phases.cache_s >= _WORTH_S)
        ):
            told = (began_s, began_s + phases.cache_s)
            seen: Attributes = {of.CACHE_STATUS: cache.status.value}
            spans.append(self._inner(span, "cache", told, seen))
        if phases.queue_s >= _WORTH_S:
            began_s += phases.cache_s + phases.route_s
            spans.append(self._inner(span, "queue", (began_s, began_s + phases.queue_s), {}))
        return spans

    def attempt(
        self, record: AttemptRecord, span: Place, content: Mapping[str, str]
    ) -> ReadableSpan:
        """A client span. `content` are attributes that hold what was asked and answered."""
        attempt = record.attempt
        target = attempt.target
        done = operation(record.method)
        attributes = _attempt_attributes(record)
        attributes[of.OPERATION] = done
        attributes[of.VENDOR] = self._vendor(target.provider)
        attributes.update(content)
        error, status = error_of(attempt), _OK
        if error:
            attributes[of.ERROR] = error
            if attempt.outcome is Outcome.FAILED:
                status = Status(StatusCode.ERROR, error)
        name = f"{done} {target.model[:_MODEL_CHARS_MAX]}"
        shape = _Shape(name, SpanKind.CLIENT, attempt.span_id, span.span_id)
        told = (record.ended_at - attempt.duration_s, record.ended_at)
        return self._span(span, shape, told, attributes, status)

    def _inner(
        self, span: Place, name: str, told: tuple[float, float], attributes: Attributes
    ) -> ReadableSpan:
        shape = _Shape(name, SpanKind.INTERNAL, self._span_id(), span.span_id)
        return self._span(span, shape, told, attributes, _OK)

    def _span(
        self,
        span: Place,
        shape: _Shape,
        told: tuple[float, float],
        attributes: Attributes,
        status: Status,
    ) -> ReadableSpan:
        trace_id = int(span.trace_id, 16)
        state = TraceState.from_header([span.state]) if span.state else None
        parent = None
        if shape.parent_id:
            parent_id = int(shape.parent_id, 16)
            parent = SpanContext(trace_id, parent_id, shape.is_remote, _TOLD, state)
        return ReadableSpan(
            shape.name,
            SpanContext(
                trace_id,
                int(shape.span_id, 16),
                is_remote=False,
                trace_flags=_TOLD,
                trace_state=state,
            ),
            parent,
            self._resource,
            attributes,
            kind=shape.kind,
            status=status,
            start_time=int(told[0] * _NANO),
            end_time=int(told[1] * _NANO),
            instrumentation_scope=self._scope,
        )


def _call_attributes(record: CallRecord, kept: Kept) -> Attributes:
    attributes: Attributes = {
        "rpc.system.name": "grpc",
        of.METHOD: record.method.lstrip("/"),
        of.STATUS: record.code,
        "aiprovider.request_id": record.request_id,
        of.TENANT: record.tenant,
        "aiprovider.kept": kept.value,
    }
    if record.model:
        attributes[of.REQUEST_MODEL] = record.model[:_MODEL_CHARS_MAX]
    if record.target is not None:
        attributes[of.PROVIDER] = record.target.provider
        attributes["gen_ai.response.model"] = record.target.model[:_MODEL_CHARS_MAX]
    if record.cache is not None:
        attributes[of.CACHE_STATUS] = record.cache.status.value
    if record.reason is not None:
        attributes["aiprovider.reason"] = record.reason.name
    if record.first_token_s is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = record.first_token_s
    if record.saved_nano_usd is not None:
        attributes["aiprovider.saved_nano_usd"] = record.saved_nano_usd
    return attributes


def _attempt_attributes(record: AttemptRecord) -> Attributes:
    attempt = record.attempt
    target, usage, cost = attempt.target, attempt.usage, attempt.cost
    attributes: Attributes = {
        of.REQUEST_MODEL: target.model[:_MODEL_CHARS_MAX],
        of.PROVIDER: target.provider,
        of.OUTCOME: attempt.outcome.value,
        "aiprovider.request_id": record.request_id,
    }
    if attempt.hedge:
        attributes["aiprovider.hedge"] = True
    if target.deployment:
        attributes[of.DEPLOYMENT] = target.deployment
    if attempt.provider_model:
        attributes["gen_ai.response.model"] = attempt.provider_model
    if attempt.finish_reason is not None:
        attributes["gen_ai.response.finish_reasons"] = (finish_word(attempt.finish_reason),)
    if attempt.http_status:
        attributes["http.response.status_code"] = attempt.http_status
    if attempt.first_token_s is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = attempt.first_token_s
    if usage is not None:
        attributes["gen_ai.usage.input_tokens"] = usage.input_tokens
        attributes["gen_ai.usage.output_tokens"] = usage.output_tokens
        for name, tokens in (
            ("gen_ai.usage.cache_read.input_tokens", usage.cache_read_input_tokens),
            ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_input_tokens),
            ("gen_ai.usage.reasoning.output_tokens", usage.reasoning_output_tokens),
        ):
            if tokens:
                attributes[name] = tokens
        if usage.estimated:
            attributes["aiprovider.usage.estimated"] = True
    if cost is not None:
        attributes["aiprovider.cost_nano_usd"] = cost.total
        attributes[of.PROVENANCE] = cost.provenance.value
    return attributes

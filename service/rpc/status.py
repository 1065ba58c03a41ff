"""The one table from reasons to gRPC statuses, and the details that go with a failure.

`docs/errors.md` is printed from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import grpc
from aiprovider.v1 import error_details_pb2, routing_pb2, usage_pb2
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rpc_details
from google.rpc import status_pb2

from service.domain.attempt import Attempt, Outcome
from service.domain.completion import Usage
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason as Reason

DOMAIN = "aiprovider.v1"
DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"
REQUEST_ID_KEY = "x-request-id"
# Trailers over 8 KiB get lost on the way; the message travels twice.
_DETAILS_MAX_BYTES = 4096
_MESSAGE_MAX_CHARS = 1024


class Retry(Enum):
    NO = "no"
    """A retry by the client library would change nothing; it makes none for this code."""
    FORBID = "no (pushback -1)"
    """The code alone would allow a retry; the pushback forbids it."""
    LATER = "after RetryInfo"
    ELSEWHERE = "yes, another replica"


@dataclass(frozen=True, slots=True)
class Row:
    code: grpc.StatusCode
    retry: Retry
    situation: str


_C = grpc.StatusCode
TABLE: dict[Reason, Row] = {
    Reason.INVALID_REQUEST: Row(
        _C.INVALID_ARGUMENT, Retry.NO, "The request breaks a rule, or the provider refused it."
    ),
    Reason.UNSUPPORTED_PARAMETER: Row(
        _C.INVALID_ARGUMENT, Retry.NO, "The provider lacks what the request asks for."
    ),
    Reason.CONTEXT_WINDOW_EXCEEDED: Row(
        _C.INVALID_ARGUMENT, Retry.NO, "The prompt is longer than the model's context window."
    ),
    Reason.CONTENT_POLICY_VIOLATION: Row(
        _C.INVALID_ARGUMENT, Retry.NO, "The provider refused the prompt for its content."
    ),
    Reason.MODEL_NOT_FOUND: Row(_C.NOT_FOUND, Retry.NO, "No enabled provider serves the model."),
    Reason.PROVIDER_MODEL_MISSING: Row(
        _C.INTERNAL, Retry.NO, "Every candidate says that it has no such model."
    ),
    Reason.API_KEY_INVALID: Row(
        _C.UNAUTHENTICATED, Retry.NO, "The caller's key or certificate is missing or unknown."
    ),
    Reason.MODEL_NOT_ALLOWED: Row(
        _C.PERMISSION_DENIED, Retry.NO, "The caller's tenant may not do this."
    ),
    Reason.PROVIDER_CREDENTIALS_REJECTED: Row(
        _C.INTERNAL, Retry.NO, "Every candidate refused the service's own credentials."
    ),
    Reason.PROVIDER_QUOTA_EXHAUSTED: Row(
        _C.RESOURCE_EXHAUSTED, Retry.FORBID, "The service's quota at every candidate is spent."
    ),
    Reason.PROVIDER_RATE_LIMITED: Row(
        _C.RESOURCE_EXHAUSTED, Retry.LATER, "Every candidate is rate limited."
    ),
    Reason.TENANT_RATE_LIMITED: Row(
        _C.RESOURCE_EXHAUSTED, Retry.LATER, "The caller's tenant is over its rate limit."
    ),
    Reason.TENANT_BUDGET_EXHAUSTED: Row(
        _C.RESOURCE_EXHAUSTED, Retry.FORBID, "The caller's tenant has spent its budget."
    ),
    Reason.SERVER_OVERLOADED: Row(
        _C.UNAVAILABLE, Retry.ELSEWHERE, "This replica has too much to do."
    ),
    Reason.SERVER_DRAINING: Row(_C.UNAVAILABLE, Retry.ELSEWHERE, "This replica is shutting down."),
    Reason.PROVIDER_UNAVAILABLE: Row(
        _C.UNAVAILABLE, Retry.LATER, "Every candidate failed or could not be reached."
    ),
    Reason.PROVIDER_TIMEOUT: Row(_C.UNAVAILABLE, Retry.LATER, "No candidate answered in its time."),
    Reason.NO_HEALTHY_PROVIDER: Row(
        _C.UNAVAILABLE, Retry.LATER, "Every candidate's circuit is open."
    ),
    Reason.NO_CAPABLE_PROVIDER: Row(
        _C.INVALID_ARGUMENT, Retry.NO, "No candidate can do what the request needs."
    ),
    Reason.DEADLINE_EXCEEDED: Row(_C.DEADLINE_EXCEEDED, Retry.NO, "The caller's deadline passed."),
    Reason.DEADLINE_TOO_SHORT: Row(
        _C.DEADLINE_EXCEEDED, Retry.NO, "The deadline left no time for any attempt."
    ),
    Reason.CANCELLED: Row(_C.CANCELLED, Retry.NO, "The caller cancelled; so was the provider."),
    Reason.STREAM_INTERRUPTED: Row(
        _C.UNAVAILABLE, Retry.FORBID, "The provider broke off after the first delta."
    ),
    Reason.PROVIDER_RESPONSE_INVALID: Row(
        _C.INTERNAL, Retry.NO, "The provider's answer is malformed, too large, or incomplete."
    ),
    Reason.CACHE_MISS: Row(
        _C.NOT_FOUND, Retry.NO, "MODE_ONLY_IF_CACHED, and the cache had no answer."
    ),
    Reason.IDEMPOTENCY_KEY_REUSED: Row(
        _C.INVALID_ARGUMENT, Retry.NO, "The idempotency key was used with another spec."
    ),
    Reason.INTERNAL: Row(
        _C.INTERNAL, Retry.NO, "A fault of the service; its log has the rest, by request id."
    ),
    Reason.NOT_IMPLEMENTED: Row(
        _C.UNIMPLEMENTED, Retry.NO, "The contract names it; this release does not do it yet."
    ),
}


@dataclass(frozen=True, slots=True)
class WireStatus:
    code: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def wire_status(failure: ServiceFailure, request_id: str) -> WireStatus:
    """What goes over the wire for `failure`."""
    row = TABLE[failure.reason]
    message = failure.message[:_MESSAGE_MAX_CHARS]
    trailers: list[tuple[str, str | bytes]] = [(REQUEST_ID_KEY, request_id)]
    if row.retry is Retry.FORBID:
        trailers.append((PUSHBACK_KEY, "-1"))
    elif row.retry is Retry.LATER and failure.retry_after_s is not None:
        trailers.append((PUSHBACK_KEY, str(round(failure.retry_after_s * 1000))))
    details = _details(failure, request_id)
    status = status_pb2.Status(code=row.code.value[0], message=message)
    attempts = list(failure.attempts)
    while True:
        packed = [*details]
        if attempts or failure.usage or failure.last_sequence:
            packed.append(_failure_detail(failure, attempts))
        del status.details[:]
        status.details.extend(_packed(detail) for detail in packed)
        if status.ByteSize() <= _DETAILS_MAX_BYTES or not attempts:
            break
        attempts.pop()
    trailers.append((DETAILS_KEY, status.SerializeToString()))
    return WireStatus(row.code, message, tuple(trailers))


def _details(failure: ServiceFailure, request_id: str) -> list[Message]:
    info = rpc_details.ErrorInfo(reason=failure.reason.name, domain=DOMAIN)
    if failure.attempts:
        info.metadata["attempts"] = str(len(failure.attempts))
        info.metadata["provider"] = failure.attempts[-1].target.provider
    details: list[Message] = [info, rpc_details.RequestInfo(request_id=request_id)]
    if failure.violations:
        bad = rpc_details.BadRequest()
        for violation in failure.violations[:20]:
            bad.field_violations.add(
                field=violation.field[:200], description=violation.description[:200]
            )
        details.append(bad)
    row = TABLE[failure.reason]
    if failure.retry_after_s is not None and row.retry in (Retry.LATER, Retry.ELSEWHERE):
        details.append(rpc_details.RetryInfo(retry_delay=duration(failure.retry_after_s)))
    if row.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        quota = rpc_details.QuotaFailure()
        subject = failure.attempts[-1].target.provider if failure.attempts else "tenant"
        quota.violations.add(subject=f"provider:{subject}", description=failure.message[:200])
        details.append(quota)
    return details


def _failure_detail(
    failure: ServiceFailure, attempts: list[Attempt]
) -> error_details_pb2.FailureDetail:
    detail = error_details_pb2.FailureDetail(
        attempts=[attempt_pb(attempt) for attempt in attempts], last_sequence=failure.last_sequence
    )
    if failure.usage is not None:
        detail.partial_usage.CopyFrom(usage_pb(failure.usage))
        detail.partial_cost.unpriced = True
    return detail


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


_OUTCOMES = {
    Outcome.OK: routing_pb2.Attempt.OUTCOME_OK,
    Outcome.FAILED: routing_pb2.Attempt.OUTCOME_FAILED,
    Outcome.SKIPPED: routing_pb2.Attempt.OUTCOME_SKIPPED,
    Outcome.CANCELLED: routing_pb2.Attempt.OUTCOME_CANCELLED,
}


def attempt_pb(attempt: Attempt) -> routing_pb2.Attempt:
    message = routing_pb2.Attempt(
        target=routing_pb2.ModelRef(provider=attempt.target.provider, model=attempt.target.model),
        outcome=_OUTCOMES[attempt.outcome],
        http_status=attempt.http_status,
        duration=duration(attempt.duration_s),
    )
    if attempt.reason is not None:
        message.reason = attempt.reason.name
        message.grpc_code = TABLE[attempt.reason].code.value[0]
    return message


def usage_pb(usage: Usage) -> usage_pb2.Usage:
    return usage_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        cache_write_input_tokens=usage.cache_write_input_tokens,
        reasoning_output_tokens=usage.reasoning_output_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        audio_output_tokens=usage.audio_output_tokens,
        image_input_tokens=usage.image_input_tokens,
        estimated=usage.estimated,
    )


def duration(seconds: float) -> duration_pb2.Duration:
    nanos = round(seconds * 1e9)
    return duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)

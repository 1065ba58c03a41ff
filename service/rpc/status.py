"""The one table from reasons to gRPC statuses. `docs/errors.md` is printed from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import grpc

from service.domain.reasons import ErrorReason as Reason

DOMAIN = "aiprovider.v1"


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
    Reason.SHARED_CACHE_UNAVAILABLE: Row(
        _C.UNAVAILABLE, Retry.LATER, "What needs the shared cache, while it cannot be reached."
    ),
    Reason.LEDGER_UNAVAILABLE: Row(
        _C.UNAVAILABLE, Retry.LATER, "What is asked of the past, while what keeps it is not there."
    ),
    Reason.NOT_IMPLEMENTED: Row(
        _C.UNIMPLEMENTED, Retry.NO, "The contract names it; this release does not do it yet."
    ),
}

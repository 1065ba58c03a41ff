"""Failures by what a caller can do about them, read from the details of a gRPC status.

`reason` is the name of an `aiprovider.v1.ErrorReason`; docs/errors.md of the service lists them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from aiprovider.v1 import error_details_pb2, routing_pb2
from google.rpc import error_details_pb2 as rpc_details
from google.rpc import status_pb2

_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """One field at fault, such as `spec.messages[2].parts[0].blob.data`."""

    field: str
    description: str


class AIProviderError(Exception):
    """A call failed. `retry_after_s` is when a retry may help, None if the service cannot tell.

    `route` tells how the call was routed, None if it did not come to that.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        request_id: str = "",
        retry_after_s: float | None = None,
        violations: Sequence[Violation] = (),
        attempts: Sequence[routing_pb2.Attempt] = (),
        last_sequence: int = 0,
        route: routing_pb2.RouteTrace | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.violations = tuple(violations)
        self.attempts = tuple(attempts)
        self.last_sequence = last_sequence
        self.route = route

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"


class InvalidRequestError(AIProviderError):
    """The request is at fault; the same one will fail again."""


class IdempotencyKeyReusedError(InvalidRequestError):
    """The idempotency key was used with another spec before."""


class AuthenticationError(AIProviderError):
    """The API key or the certificate is missing or unknown."""


class PermissionDeniedError(AIProviderError):
    """The tenant may not do this."""


class NotFoundError(AIProviderError):
    """No provider serves the model; or CacheMissError."""


class CacheMissError(NotFoundError):
    """The cache has no answer, and the request forbade to ask a provider."""


class RateLimitedError(AIProviderError):
    """A rate limit, a quota or a budget is spent."""


class OverloadedError(AIProviderError):
    """This replica has too much to do, or is shutting down; another may take the call."""


class SharedCacheError(AIProviderError):
    """The cache that replicas share did not confirm: answers are void on one replica alone so far.

    The others are told as soon as it can be reached; ask again to know when.
    """


class LedgerError(AIProviderError):
    """The past cannot be asked about now: none is kept, or what keeps it does not answer."""


class ProviderError(AIProviderError):
    """Every provider that could answer failed."""


class DeadlineError(AIProviderError):
    """The deadline passed, or was too short to begin."""


class StreamInterruptedError(AIProviderError):
    """The answer broke off after it had begun. What came is not the whole answer."""


class StreamRestartedError(AIProviderError):
    """The answer broke off and begins again, as was asked for. What came before is void.

    `attempts` holds the one that broke off. The stream goes on: `texts()` gives the new answer.
    """


class NotImplementedByServiceError(AIProviderError):
    """The contract names it, and this service does not do it yet."""


class InternalServiceError(AIProviderError):
    """A fault of the service; its log tells more under the request id."""


class UnreachableError(AIProviderError):
    """Nobody answered at the target."""


class IncompleteStreamError(AIProviderError):
    """A stream ended without StreamFinished. What came is not the whole answer."""


BY_REASON: Mapping[str, type[AIProviderError]] = {
    "INVALID_REQUEST": InvalidRequestError,
    "UNSUPPORTED_PARAMETER": InvalidRequestError,
    "CONTEXT_WINDOW_EXCEEDED": InvalidRequestError,
    "CONTENT_POLICY_VIOLATION": InvalidRequestError,
    "NO_CAPABLE_PROVIDER": InvalidRequestError,
    "IDEMPOTENCY_KEY_REUSED": IdempotencyKeyReusedError,
    "MODEL_NOT_FOUND": NotFoundError,
    "CACHE_MISS": CacheMissError,
    "API_KEY_INVALID": AuthenticationError,
    "MODEL_NOT_ALLOWED": PermissionDeniedError,
    "PROVIDER_RATE_LIMITED": RateLimitedError,
    "PROVIDER_QUOTA_EXHAUSTED": RateLimitedError,
    "TENANT_RATE_LIMITED": RateLimitedError,
    "TENANT_BUDGET_EXHAUSTED": RateLimitedError,
    "SERVER_OVERLOADED": OverloadedError,
    "SERVER_DRAINING": OverloadedError,
    "SHARED_CACHE_UNAVAILABLE": SharedCacheError,
    "LEDGER_UNAVAILABLE": LedgerError,
    "PROVIDER_UNAVAILABLE": ProviderError,
    "PROVIDER_TIMEOUT": ProviderError,
    "NO_HEALTHY_PROVIDER": ProviderError,
    "PROVIDER_MODEL_MISSING": ProviderError,
    "PROVIDER_CREDENTIALS_REJECTED": ProviderError,
    "PROVIDER_RESPONSE_INVALID": ProviderError,
    "DEADLINE_EXCEEDED": DeadlineError,
    "DEADLINE_TOO_SHORT": DeadlineError,
    "STREAM_INTERRUPTED": StreamInterruptedError,
    "CANCELLED": AIProviderError,
    "INTERNAL": InternalServiceError,
    "NOT_IMPLEMENTED": NotImplementedByServiceError,
}
# For what never reached the service, or came from a proxy before it.
_BY_CODE: Mapping[grpc.StatusCode, type[AIProviderError]] = {
    grpc.StatusCode.UNAVAILABLE: UnreachableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.UNAUTHENTICATED: AuthenticationError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: RateLimitedError,
    grpc.StatusCode.UNIMPLEMENTED: NotImplementedByServiceError,
    grpc.StatusCode.INTERNAL: InternalServiceError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
}


def from_rpc(error: Any, target: str) -> AIProviderError:
    """The typed failure for a `grpc.RpcError` of a call to `target`."""
    code: grpc.StatusCode = error.code()
    trailers: dict[str, Any] = dict(tuple(error.trailing_metadata() or ()))
    packed = trailers.get(_DETAILS_KEY)
    if packed is None:
        return _bare(code, error.details() or "", target)
    status = status_pb2.Status.FromString(packed)
    info = _unpacked(status, rpc_details.ErrorInfo())
    retry = _unpacked(status, rpc_details.RetryInfo())
    failure = _unpacked(status, error_details_pb2.FailureDetail())
    bad = _unpacked(status, rpc_details.BadRequest())
    delay_s = retry.retry_delay.ToTimedelta().total_seconds() if retry.ByteSize() else None
    kind = BY_REASON.get(info.reason) or _BY_CODE.get(code, AIProviderError)
    return kind(
        status.message,
        reason=info.reason,
        code=code,
        request_id=_unpacked(status, rpc_details.RequestInfo()).request_id,
        retry_after_s=delay_s,
        violations=[Violation(v.field, v.description) for v in bad.field_violations],
        attempts=failure.attempts,
        last_sequence=failure.last_sequence,
        route=_route(failure),
    )


def _route(failure: error_details_pb2.FailureDetail) -> routing_pb2.RouteTrace | None:
    """Whole: on the wire its attempts stand beside it only."""
    if not failure.HasField("route"):
        return None
    route = routing_pb2.RouteTrace()
    route.CopyFrom(failure.route)
    if not route.attempts:
        route.attempts.extend(failure.attempts)
    return route


def _bare(code: grpc.StatusCode, message: str, target: str) -> AIProviderError:
    kind = _BY_CODE.get(code, AIProviderError)
    if kind is UnreachableError:
        return kind(f"cannot reach {target}: {message}", code=code)
    if kind is DeadlineError:
        # The client's own clock was faster than the service's answer.
        return kind(f"no answer from {target} in time", reason="DEADLINE_EXCEEDED", code=code)
    return kind(message, code=code)


def _unpacked(status: status_pb2.Status, message: Any) -> Any:
    for packed in status.details:
        if packed.Is(message.DESCRIPTOR):
            packed.Unpack(message)
    return message

"""What an error of this family means. Tables; never raises, whatever the body is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason

_MESSAGE_MAX_CHARS = 500

_BY_CODE = {
    "context_length_exceeded": Reason.CONTEXT_WINDOW_EXCEEDED,
    "content_policy_violation": Reason.CONTENT_POLICY_VIOLATION,
    "content_filter": Reason.CONTENT_POLICY_VIOLATION,
    "insufficient_quota": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "billing_hard_limit_reached": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "billing_not_active": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "rate_limit_exceeded": Reason.PROVIDER_RATE_LIMITED,
    "model_not_found": Reason.PROVIDER_MODEL_MISSING,
    "invalid_api_key": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "unsupported_parameter": Reason.UNSUPPORTED_PARAMETER,
    "unsupported_value": Reason.UNSUPPORTED_PARAMETER,
    "server_error": Reason.PROVIDER_UNAVAILABLE,
    "engine_overloaded": Reason.PROVIDER_UNAVAILABLE,
}
_BY_STATUS = {
    400: Reason.INVALID_REQUEST,
    401: Reason.PROVIDER_CREDENTIALS_REJECTED,
    402: Reason.PROVIDER_QUOTA_EXHAUSTED,
    403: Reason.PROVIDER_CREDENTIALS_REJECTED,
    404: Reason.PROVIDER_MODEL_MISSING,
    408: Reason.PROVIDER_TIMEOUT,
    413: Reason.INVALID_REQUEST,
    422: Reason.INVALID_REQUEST,
    429: Reason.PROVIDER_RATE_LIMITED,
    504: Reason.PROVIDER_TIMEOUT,
}
# Compatible servers name no code for this; all of them use words like these.
_CONTEXT_WORDS = re.compile(
    r"context (?:length|window|size)|maximum.{0,20}tokens|prompt is too long", re.IGNORECASE
)


def failure(provider: str, status: int, body: bytes) -> ProviderFailure:
    """What an answer with this status and body means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    return _failure(provider, status, _error(parsed))


def reported(provider: str, error: Any) -> ProviderFailure:
    """What an error means that stands inside a 200 answer, `error` being its JSON."""
    fields = _error({"error": error})
    code = fields.get("code")
    status = code if isinstance(code, int) and not isinstance(code, bool) else 0
    return _failure(provider, status, fields)


def _failure(provider: str, status: int, error: Mapping[str, Any]) -> ProviderFailure:
    message = str(error.get("message") or f"HTTP status {status}")[:_MESSAGE_MAX_CHARS]
    words = (str(error.get("code")), str(error.get("type")))
    reason = next((_BY_CODE[word] for word in words if word in _BY_CODE), None)
    if reason is None:
        reason = _BY_STATUS.get(status, Reason.PROVIDER_UNAVAILABLE)
        if reason is Reason.INVALID_REQUEST and _CONTEXT_WORDS.search(message):
            reason = Reason.CONTEXT_WINDOW_EXCEEDED
    return ProviderFailure(reason, f"{provider}: {message}", http_status=status)


def _error(parsed: Any) -> Mapping[str, Any]:
    # {"error": {...}}, {"error": "..."}, {"message": ...}, {"detail": ...}: all are in use.
    if not isinstance(parsed, dict):
        return {}
    fields = cast("dict[str, Any]", parsed)
    inner = fields.get("error", fields)
    if isinstance(inner, dict):
        found = cast("dict[str, Any]", inner)
        return {"message": found.get("detail"), **found}
    return {"message": inner}

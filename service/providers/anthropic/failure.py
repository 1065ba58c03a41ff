"""What an error of Anthropic means. Tables; never raises, whatever the body is."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.failures import BY_STATUS
from service.telemetry.redaction import Redactor

_MESSAGE_MAX_CHARS = 500
_BY_TYPE = {
    "invalid_request_error": Reason.INVALID_REQUEST,
    "authentication_error": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "permission_error": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "billing_error": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "not_found_error": Reason.PROVIDER_MODEL_MISSING,
    "request_too_large": Reason.INVALID_REQUEST,
    "rate_limit_error": Reason.PROVIDER_RATE_LIMITED,
    "timeout_error": Reason.PROVIDER_TIMEOUT,
    "api_error": Reason.PROVIDER_UNAVAILABLE,
    "overloaded_error": Reason.PROVIDER_UNAVAILABLE,
}
# One type covers many faults of a request; only its words tell these apart.
_INVALID_BY_WORDS = (
    (
        re.compile(r"prompt is too long|context (?:window|limit)", re.IGNORECASE),
        Reason.CONTEXT_WINDOW_EXCEEDED,
    ),
    (
        re.compile(r"credit balance|billing|usage limits", re.IGNORECASE),
        Reason.PROVIDER_QUOTA_EXHAUSTED,
    ),
    (
        re.compile(r"content (?:filter|polic)|usage polic", re.IGNORECASE),
        Reason.CONTENT_POLICY_VIOLATION,
    ),
)
_REDACTOR = Redactor()


def failure(status: int, body: bytes) -> ProviderFailure:
    """What an answer with this status and body means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    error = cast("dict[str, Any]", parsed).get("error") if isinstance(parsed, dict) else None
    return reported(error, status)


def reported(error: Any, status: int = 0) -> ProviderFailure:
    """What an `error` object means; it also stands inside streams, where there is no status."""
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    kind = fields.get("type")
    reason = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    reason = reason or BY_STATUS.get(status, Reason.PROVIDER_UNAVAILABLE)
    message = _message(fields.get("message"))
    if reason is Reason.INVALID_REQUEST:
        found = (meaning for words, meaning in _INVALID_BY_WORDS if words.search(message))
        reason = next(found, reason)
    if not message:
        message = f"HTTP status {status}" if status else "an error without a message"
    return ProviderFailure(reason, f"anthropic: {message}", http_status=status)


def _message(told: Any) -> str:
    # Cut first: a body of megabytes is not worth tidying. Then masked, for some quote the key.
    if not isinstance(told, str):
        return ""
    tidy = " ".join(told[: 2 * _MESSAGE_MAX_CHARS].split())
    return _REDACTOR.text(tidy)[:_MESSAGE_MAX_CHARS]

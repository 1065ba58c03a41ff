"""What the library's exceptions mean: by class and status, never by their words."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import Any

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason

_MESSAGE_MAX_CHARS = 500
# The library's own classes first, most special first: all of them carry a status too.
_BY_CLASS = (
    ("ContextWindowExceededError", Reason.CONTEXT_WINDOW_EXCEEDED),
    ("ContentPolicyViolationError", Reason.CONTENT_POLICY_VIOLATION),
    ("UnsupportedParamsError", Reason.UNSUPPORTED_PARAMETER),
    ("PaymentRequiredError", Reason.PROVIDER_QUOTA_EXHAUSTED),
    ("Timeout", Reason.PROVIDER_TIMEOUT),
    ("JSONSchemaValidationError", Reason.PROVIDER_RESPONSE_INVALID),
    ("APIResponseValidationError", Reason.PROVIDER_RESPONSE_INVALID),
    ("MidStreamFallbackError", Reason.PROVIDER_UNAVAILABLE),
    ("APIConnectionError", Reason.PROVIDER_UNAVAILABLE),
)
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
_OK = 200
_LOCAL = (Reason.UNSUPPORTED_PARAMETER,)


def failure(
    name: str, error: BaseException, http_status: int, headers: Mapping[str, str], body: bytes
) -> ProviderFailure:
    """`http_status` is what the provider really answered, 0 if it did not; `body` its error."""
    reason = _reason(error, http_status, body)
    response = getattr(error, "response", None)
    told: Mapping[str, str] = headers or getattr(response, "headers", None) or {}
    return ProviderFailure(
        reason,
        f"{name}: {_words(error)}",
        http_status=http_status,
        retry_after_s=_retry_after_s(told),
        local=reason in _LOCAL and not http_status,
    )


def _reason(error: BaseException, http_status: int, body: bytes) -> Reason:
    if http_status == _OK:
        # It answered, and what it answered could not be read.
        return Reason.PROVIDER_RESPONSE_INVALID
    classes = {kind.__name__ for kind in type(error).__mro__}
    status = http_status or getattr(error, "status_code", None)
    if b"insufficient_quota" in body or b"PerDay" in body:
        return Reason.PROVIDER_QUOTA_EXHAUSTED
    if b"API_KEY_INVALID" in body:
        return Reason.PROVIDER_CREDENTIALS_REJECTED
    for name, reason in _BY_CLASS:
        if name in classes and not (http_status and reason is Reason.PROVIDER_UNAVAILABLE):
            return reason
    return _BY_STATUS.get(int(status or 0), Reason.PROVIDER_UNAVAILABLE)


def _words(error: BaseException) -> str:
    text: Any = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text)[:_MESSAGE_MAX_CHARS]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    wish = headers.get("retry-after")
    if wish is None:
        return None
    try:
        return max(0.0, float(wish))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(wish).timestamp() - time.time())
    except ValueError:
        return None

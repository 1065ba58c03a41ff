"""What the library's exceptions mean: by class and status, never by their words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.failures import BY_STATUS
from service.providers.retry_after import retry_after_s

_MESSAGE_MAX_CHARS = 500
# The library's own classes first, most special first: all of them carry a status too.
_BY_CLASS = (
    ("ContextWindowExceededError", Reason.CONTEXT_WINDOW_EXCEEDED),
    ("ContentPolicyViolationError", Reason.CONTENT_POLICY_VIOLATION),
    ("UnsupportedParamsError", Reason.UNSUPPORTED_PARAMETER),
    ("ImageFetchError", Reason.UNSUPPORTED_PARAMETER),
    ("PaymentRequiredError", Reason.PROVIDER_QUOTA_EXHAUSTED),
    ("Timeout", Reason.PROVIDER_TIMEOUT),
    ("JSONSchemaValidationError", Reason.PROVIDER_RESPONSE_INVALID),
    ("APIResponseValidationError", Reason.PROVIDER_RESPONSE_INVALID),
    ("MidStreamFallbackError", Reason.PROVIDER_UNAVAILABLE),
    ("APIConnectionError", Reason.PROVIDER_UNAVAILABLE),
)


def translated(name: str, error: BaseException, headers: Mapping[str, str]) -> ProviderFailure:
    """`headers` are the provider's own, empty if they were not seen."""
    reason = _reason(error)
    response = getattr(error, "response", None)
    told: Mapping[str, str] = headers or getattr(response, "headers", None) or {}
    return ProviderFailure(
        reason,
        f"{name}: {_words(error)}",
        http_status=int(getattr(error, "status_code", None) or 0),
        retry_after_s=retry_after_s(told, time.time()),
        # The library refuses these before it asks.
        local=reason is Reason.UNSUPPORTED_PARAMETER,
    )


def _reason(error: BaseException) -> Reason:
    classes = {kind.__name__ for kind in type(error).__mro__}
    for name, reason in _BY_CLASS:
        if name in classes:
            return reason
    status = int(getattr(error, "status_code", None) or 0)
    return BY_STATUS.get(status, Reason.PROVIDER_UNAVAILABLE)


def _words(error: BaseException) -> str:
    told: Any = getattr(error, "message", None) or str(error)
    # It puts its own tracebacks into its messages.
    text = str(told).partition("Traceback (most recent call last)")[0].strip()
    return (text or type(error).__name__)[:_MESSAGE_MAX_CHARS]

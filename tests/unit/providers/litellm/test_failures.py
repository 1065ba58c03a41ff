"""Exceptions of litellm into reasons. Its classes are known by name: the library stays out."""

from __future__ import annotations

import pytest

from service.domain.reasons import ErrorReason as Reason
from service.providers.litellm.failures import translated


def failed(kind: str, status: int, message: str = "no") -> Exception:
    base = type("BadRequestError", (Exception,), {})
    error: Exception = type(kind, (base,), {"status_code": status, "message": message})()
    return error


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("ContextWindowExceededError", 400, Reason.CONTEXT_WINDOW_EXCEEDED),
        ("ContentPolicyViolationError", 400, Reason.CONTENT_POLICY_VIOLATION),
        ("UnsupportedParamsError", 400, Reason.UNSUPPORTED_PARAMETER),
        ("ImageFetchError", 400, Reason.UNSUPPORTED_PARAMETER),
        ("Timeout", 408, Reason.PROVIDER_TIMEOUT),
        ("RateLimitError", 429, Reason.PROVIDER_RATE_LIMITED),
        ("AuthenticationError", 401, Reason.PROVIDER_CREDENTIALS_REJECTED),
        ("NotFoundError", 404, Reason.PROVIDER_MODEL_MISSING),
        ("InternalServerError", 500, Reason.PROVIDER_UNAVAILABLE),
        ("MidStreamFallbackError", 503, Reason.PROVIDER_UNAVAILABLE),
        ("Unheard", 0, Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_class_and_status(kind: str, status: int, reason: Reason) -> None:
    """A class that names the fault says more than its status; words say nothing."""
    failure = translated("acme", failed(kind, status, "rate limit exceeded"), {})

    assert (reason, status) == (failure.reason, failure.http_status)


@pytest.mark.parametrize(
    ("wish", "expected"), [("7", 7.0), ("-1", 0.0), ("soon", None), ("", None)]
)
def test_retry_after(wish: str, expected: float | None) -> None:
    """The provider's own wish is kept, and nonsense is none."""
    headers = {"retry-after": wish}

    assert expected == translated("acme", failed("RateLimitError", 429), headers).retry_after_s


def test_message() -> None:
    """A message is bounded, and the library's tracebacks are not for callers."""
    told = "it broke\nTraceback (most recent call last):\n  File secret.py"

    assert "acme: it broke" == translated("acme", failed("E", 500, told), {}).message
    assert len(translated("acme", failed("E", 500, "x" * 10**5), {}).message) < 520

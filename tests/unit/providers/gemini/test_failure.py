"""Errors of the family into reasons."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.gemini import Gemini

KEY_INVALID = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
QUOTA_SPENT = "You exceeded your current quota, please check your plan and billing details."


def quota(name: str) -> dict[str, Any]:
    violation = {"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": name}
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}


def failed(code: int, status: str, message: str, *details: Any) -> ProviderFailure:
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return Gemini().failure(code, orjson.dumps({"error": error}))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.INVALID_REQUEST),
        (401, Reason.PROVIDER_CREDENTIALS_REJECTED),
        (402, Reason.PROVIDER_QUOTA_EXHAUSTED),
        (403, Reason.PROVIDER_CREDENTIALS_REJECTED),
        (404, Reason.PROVIDER_MODEL_MISSING),
        (408, Reason.PROVIDER_TIMEOUT),
        (413, Reason.INVALID_REQUEST),
        (422, Reason.INVALID_REQUEST),
        (429, Reason.PROVIDER_RATE_LIMITED),
        (500, Reason.PROVIDER_UNAVAILABLE),
        (502, Reason.PROVIDER_UNAVAILABLE),
        (503, Reason.PROVIDER_UNAVAILABLE),
        (504, Reason.PROVIDER_TIMEOUT),
        (529, Reason.PROVIDER_UNAVAILABLE),
        (302, Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_status_alone(status: int, reason: Reason) -> None:
    """A status means something even when the body does not."""
    failure = Gemini().failure(status, b"<html>oops</html>")

    assert (reason, status, f"gemini: HTTP status {status}") == (
        failure.reason,
        failure.http_status,
        failure.message,
    )


@pytest.mark.parametrize(
    ("code", "status", "message", "reason"),
    [
        (400, "INVALID_ARGUMENT", "Invalid value at 'contents'", Reason.INVALID_REQUEST),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1048580) exceeds the maximum number of tokens allowed.",
            Reason.CONTEXT_WINDOW_EXCEEDED,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            Reason.PROVIDER_CREDENTIALS_REJECTED,
        ),
        (
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
            Reason.PROVIDER_CREDENTIALS_REJECTED,
        ),
        (403, "PERMISSION_DENIED", "no", Reason.PROVIDER_CREDENTIALS_REJECTED),
        (404, "NOT_FOUND", "models/x is not found", Reason.PROVIDER_MODEL_MISSING),
        (429, "RESOURCE_EXHAUSTED", "slow down", Reason.PROVIDER_RATE_LIMITED),
        (429, "RESOURCE_EXHAUSTED", QUOTA_SPENT, Reason.PROVIDER_QUOTA_EXHAUSTED),
        (500, "INTERNAL", "oops", Reason.PROVIDER_UNAVAILABLE),
        (503, "UNAVAILABLE", "The model is overloaded.", Reason.PROVIDER_UNAVAILABLE),
        (504, "DEADLINE_EXCEEDED", "late", Reason.PROVIDER_TIMEOUT),
        (499, "CANCELLED", "?", Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_words(code: int, status: str, message: str, reason: Reason) -> None:
    """A status word says more than a number, and of some its message says more still."""
    failure = failed(code, status, message)

    assert (reason, f"gemini: {message}") == (failure.reason, failure.message)


@pytest.mark.parametrize(
    ("details", "reason", "retry_after_s"),
    [
        ([RETRY, quota("GenerateRequestsPerMinute")], Reason.PROVIDER_RATE_LIMITED, 34.5),
        ([RETRY, quota("RequestsPerDayPerProject")], Reason.PROVIDER_QUOTA_EXHAUSTED, 34.5),
        (
            [{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": "ProRequestsPerDay"}}],
            Reason.PROVIDER_QUOTA_EXHAUSTED,
            None,
        ),
        ([RETRY], Reason.PROVIDER_RATE_LIMITED, 34.5),
        ([{"retryDelay": "99999999s"}], Reason.PROVIDER_RATE_LIMITED, 86400.0),
        ([{"retryDelay": "soon"}, {"retryDelay": 5}, 7], Reason.PROVIDER_QUOTA_EXHAUSTED, None),
    ],
)
def test_quotas(details: list[Any], reason: Reason, retry_after_s: float | None) -> None:
    """A spent day is no matter of waiting; a busy minute says how long."""
    failure = failed(429, "RESOURCE_EXHAUSTED", QUOTA_SPENT, *details)

    assert (reason, retry_after_s) == (failure.reason, failure.retry_after_s)


def test_a_bad_key_is_a_bad_request_there() -> None:
    """Gemini answers 400 for a key that it does not know, and says so in a detail."""
    failure = failed(400, "INVALID_ARGUMENT", "Bad.", KEY_INVALID)

    assert Reason.PROVIDER_CREDENTIALS_REJECTED is failure.reason


def test_errors_may_come_in_an_array() -> None:
    """A stream that fails at once answers an array."""
    body = b'[{"error":{"code":404,"status":"NOT_FOUND","message":"gone"}}]'

    assert "gemini: gone" == Gemini().failure(404, body).message


def test_keys_are_masked() -> None:
    """A message that quotes a key loses it."""
    key = "AIza" + "Sy0123456789abcdefghijklmnopqrstuv"
    failure = failed(403, "PERMISSION_DENIED", f"Consumer 'api_key:{key}' has been suspended.")

    assert key not in failure.message
    assert "suspended" in failure.message


def test_long_messages_are_cut() -> None:
    """A message is at most a paragraph."""
    assert 550 > len(failed(400, "INVALID_ARGUMENT", "x " * 100_000).message)

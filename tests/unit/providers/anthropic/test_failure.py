"""Errors of the family into reasons."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.anthropic import Anthropic


def failed(status: int, kind: str, message: str) -> ProviderFailure:
    error = {"type": kind, "message": message}
    return Anthropic().failure(status, orjson.dumps({"type": "error", "error": error}))


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
    failure = Anthropic().failure(status, b"<html>oops</html>")

    assert (reason, status, f"anthropic: HTTP status {status}") == (
        failure.reason,
        failure.http_status,
        failure.message,
    )


@pytest.mark.parametrize(
    ("status", "kind", "message", "reason"),
    [
        (400, "invalid_request_error", "max_tokens: required", Reason.INVALID_REQUEST),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
            Reason.CONTEXT_WINDOW_EXCEEDED,
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000",
            Reason.CONTEXT_WINDOW_EXCEEDED,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            Reason.PROVIDER_QUOTA_EXHAUSTED,
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits.",
            Reason.PROVIDER_QUOTA_EXHAUSTED,
        ),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            Reason.CONTENT_POLICY_VIOLATION,
        ),
        (413, "request_too_large", "Request exceeds the maximum size", Reason.INVALID_REQUEST),
        (401, "authentication_error", "invalid", Reason.PROVIDER_CREDENTIALS_REJECTED),
        (403, "permission_error", "not allowed", Reason.PROVIDER_CREDENTIALS_REJECTED),
        (402, "billing_error", "pay", Reason.PROVIDER_QUOTA_EXHAUSTED),
        (404, "not_found_error", "model: x", Reason.PROVIDER_MODEL_MISSING),
        (429, "rate_limit_error", "slow", Reason.PROVIDER_RATE_LIMITED),
        (500, "api_error", "oops", Reason.PROVIDER_UNAVAILABLE),
        (504, "timeout_error", "late", Reason.PROVIDER_TIMEOUT),
        (529, "overloaded_error", "Overloaded", Reason.PROVIDER_UNAVAILABLE),
        (400, "overloaded_error", "Overloaded", Reason.PROVIDER_UNAVAILABLE),
        (400, "newer_error", "?", Reason.INVALID_REQUEST),
    ],
)
def test_types(status: int, kind: str, message: str, reason: Reason) -> None:
    """A type says more than a status, and of a bad request its words say more still."""
    failure = failed(status, kind, message)

    assert (reason, f"anthropic: {message}") == (failure.reason, failure.message)


def test_keys_are_masked() -> None:
    """A message that quotes a key loses it."""
    failure = failed(401, "authentication_error", "invalid key sk-ant-api03-abcdefghijk given")

    assert "abcdefghijk" not in failure.message
    assert "given" in failure.message


def test_long_messages_are_cut() -> None:
    """A message is at most a paragraph."""
    assert 550 > len(failed(400, "invalid_request_error", "x " * 100_000).message)


ANY: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 999) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "type", "message"]), inner)
    ),
    max_leaves=6,
)


@given(st.integers(300, 599), st.binary(max_size=30) | ANY.map(orjson.dumps))
def test_any_body(status: int, body: bytes) -> None:
    """Whatever the body is, it is told as a failure."""
    assert status == Anthropic().failure(status, body).http_status

"""Errors of the family into reasons."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.openai import OpenAI


def failed(status: int, error: object) -> ProviderFailure:
    return OpenAI().failure(status, orjson.dumps({"error": error}))


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
    failure = OpenAI().failure(status, b"<html>oops</html>")

    assert (reason, status) == (failure.reason, failure.http_status)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, "context_length_exceeded", Reason.CONTEXT_WINDOW_EXCEEDED),
        (400, "content_policy_violation", Reason.CONTENT_POLICY_VIOLATION),
        (400, "content_filter", Reason.CONTENT_POLICY_VIOLATION),
        (400, "unsupported_parameter", Reason.UNSUPPORTED_PARAMETER),
        (400, "unsupported_value", Reason.UNSUPPORTED_PARAMETER),
        (429, "insufficient_quota", Reason.PROVIDER_QUOTA_EXHAUSTED),
        (429, "billing_hard_limit_reached", Reason.PROVIDER_QUOTA_EXHAUSTED),
        (429, "rate_limit_exceeded", Reason.PROVIDER_RATE_LIMITED),
        (404, "model_not_found", Reason.PROVIDER_MODEL_MISSING),
    ],
)
@pytest.mark.parametrize("key", ["code", "type"])
def test_code_outranks_status(status: int, code: str, key: str, reason: Reason) -> None:
    """A code or type that names the fault says more than the status."""
    assert reason is failed(status, {key: code, "message": "no"}).reason


def test_context_told_in_words() -> None:
    """DeepSeek and vLLM name a context that is too long by no code."""
    message = "This model's maximum context length is 4096 tokens. However, you requested 5000."

    assert Reason.CONTEXT_WINDOW_EXCEEDED is failed(400, {"message": message, "code": 400}).reason


def test_parameter_at_fault() -> None:
    """The provider's name of the parameter becomes the path of our field."""
    failure = failed(400, {"code": "unsupported_value", "param": "max_completion_tokens"})

    assert "spec.sampling.max_output_tokens" == failure.field


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "no  such\\nthing"}}', "openai: no such thing"),
        (b'{"error": "plain"}', "openai: plain"),
        (b'{"object": "error", "message": "vllm", "code": 400}', "openai: vllm"),
        (b'{"detail": "fast"}', "openai: fast"),
        (b'{"detail": [{"loc": ["body"], "msg": "api"}]}', "openai: api"),
        (b"", "openai: HTTP status 400"),
        (b'{"error": {"message": 5, "code": "odd"}}', "openai: HTTP status 400 (odd)"),
    ],
)
def test_message(body: bytes, message: str) -> None:
    """The provider's own words are told, wherever it puts them."""
    assert message == OpenAI().failure(400, body).message


def test_message_is_bounded() -> None:
    """A provider cannot fill our logs."""
    assert len(failed(400, {"message": "x" * 10**6}).message) < 520


def test_rejected_key_is_not_quoted() -> None:
    """Providers quote the key that they reject; we do not."""
    failure = failed(401, {"message": "Incorrect API key provided: hunter2", "code": None})

    assert "hunter2" not in failure.message


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "type", "param", "detail", "msg"]), inner
        )
    ),
)


@given(st.integers(300, 999), st.binary() | _JSON.map(orjson.dumps))
def test_any_body_is_a_failure(status: int, body: bytes) -> None:
    """Whatever a provider sends with an error, it is one failure with that status."""
    failure = OpenAI().failure(status, body)

    assert status == failure.http_status
    assert failure.message

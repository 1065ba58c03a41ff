"""What the adversary refuses as the real servers do, and errors in each family's own words."""

from __future__ import annotations

from typing import Any

import pytest

from service.adversary import Scenario
from service.adversary.answers import Answer, answer
from tests.kit import asking
from tests.kit.asking import answered, families, streams

# Status and the word that tells the kind.
OPENAI_ERRORS = {
    "content_policy": (400, "content_policy_violation"),
    "context_overflow": (400, "context_length_exceeded"),
    "quota": (429, "insufficient_quota"),
    "model_missing": (404, "model_not_found"),
    "key_invalid": (401, "invalid_api_key"),
    "rate": (429, "rate_limit_exceeded"),
}
ERRORS: dict[str, dict[str, tuple[int, str]]] = {
    "openai": OPENAI_ERRORS,
    "deepseek": OPENAI_ERRORS,
    "anthropic": {
        "content_policy": (400, "content filtering policy"),
        "context_overflow": (400, "prompt is too long"),
        "quota": (400, "credit balance"),
        "model_missing": (404, "not_found_error"),
        "key_invalid": (401, "authentication_error"),
        "rate": (429, "rate_limit_error"),
    },
    "gemini": {
        "content_policy": (200, '"blockReason":"PROHIBITED_CONTENT"'),
        "context_overflow": (400, "input token count"),
        "quota": (429, "GenerateRequestsPerDay"),
        "model_missing": (404, "NOT_FOUND"),
        "key_invalid": (400, "API_KEY_INVALID"),
        "rate": (429, '"retryDelay":"3s"'),
    },
}
UNAVAILABLE = {"anthropic": "api_error", "gemini": '"status":"UNAVAILABLE"'}


def sent(family: str, body: Any, keys: dict[str, str]) -> Answer:
    path, plain = asking.path(family), Scenario()
    return answer(family, path, keys, body, plain, spent=lambda _model, _scenario: False)


def message(told: Answer) -> str:
    return asking.payloads(told)[0]["error"]["message"]


@families
@streams
@pytest.mark.parametrize("kind", OPENAI_ERRORS)
def test_errors(family: str, stream: bool, kind: str) -> None:
    """Each kind of error has the family's real status and body, streamed or not."""
    status, word = ERRORS[family][kind]
    told = answered(family, f"+error={kind}", stream=stream)

    assert status == told.status
    assert word in told.pieces[0].decode()
    assert told.stream == (stream and status == 200), "only Gemini refuses within a good stream"


@families
@pytest.mark.parametrize("status", [400, 429, 503, 529])
def test_statuses(family: str, status: int) -> None:
    """Any status comes with an error body of the family, and with the Retry-After asked for."""
    told = answered(family, f"+status={status}+retry-after=2")

    assert (status, {"retry-after": "2"}) == (told.status, told.headers)
    assert f"The server said {status}." == message(told)
    if status == 503:
        assert UNAVAILABLE.get(family, '"type":"error"') in told.pieces[0].decode()


@families
@pytest.mark.parametrize("directives", ["status=503", "error=rate"])
def test_an_error_without_retry_after(family: str, directives: str) -> None:
    """A Retry-After is there only if it is asked for."""
    assert {} == answered(family, f"+{directives}").headers


@families
def test_an_unknown_directive(family: str) -> None:
    """A directive that does not exist is 400 in the family's format, and names those that do."""
    told = answered(family, "+staus=503")

    assert 400 == told.status
    assert message(told).startswith("unknown directive 'staus'; known: status, retry-after, ")


@families
def test_an_unknown_field(family: str) -> None:
    """A field that the real server does not know is 400, and named."""
    told = answered(family, temprature=1)

    assert 400 == told.status
    assert "temprature" in message(told)


@families
@pytest.mark.parametrize("messages", [[], ["hi"], [{"role": "user"}], None])
def test_messages_of_no_shape(family: str, messages: Any) -> None:
    """A request without messages, or with some that are none, is answered: 400, or as empty."""
    field = "contents" if family == "gemini" else "messages"
    told = answered(family, **{field: messages})
    # OpenAI's content is optional.
    fine = family in ("openai", "deepseek") and messages == [{"role": "user"}]

    assert (200 if fine else 400) == told.status


@families
@pytest.mark.parametrize("body", [None, [], "hi"])
def test_a_body_that_is_no_object(family: str, body: Any) -> None:
    """A body that is no JSON object is 400, and the client is not left waiting."""
    told = sent(family, body, asking.KEYS[family])

    assert (400, "the body must be a JSON object") == (told.status, message(told))


@pytest.mark.parametrize(
    ("family", "header", "status"),
    [
        ("openai", "authorization", 401),
        ("deepseek", "authorization", 401),
        ("anthropic", "x-api-key", 401),
        ("anthropic", "anthropic-version", 400),
        ("gemini", "x-goog-api-key", 400),
    ],
)
def test_required_headers(family: str, header: str, status: int) -> None:
    """Without its key, or Anthropic's version, a request is refused as the real server does it."""
    keys = {name: value for name, value in asking.KEYS[family].items() if name != header}

    assert status == sent(family, asking.body(family), keys).status


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"thinking": {"type": "enabled", "budget_tokens": 50}}, "thinking.budget_tokens: "),
        (
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "max_tokens": 2000,
                "temperature": 0.5,
            },
            "`temperature` may only be set to 1",
        ),
    ],
)
def test_the_rules_of_anthropic(fields: dict[str, Any], expected: str) -> None:
    """Anthropic wants a maximum of tokens, and has rules for thinking."""
    told = answered("anthropic", **fields)

    assert 400 == told.status
    assert message(told).startswith(expected)

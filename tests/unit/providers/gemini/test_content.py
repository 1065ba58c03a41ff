"""Messages and parts on their way to the API."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.completion import (
    Blob,
    MediaUri,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from service.domain.reasons import ErrorReason as Reason
from tests.unit.providers.gemini.asking import body, message, refused, request, user

CALL = message(Role.ASSISTANT, ToolCall("c1", "f", "{}"))
THREE = "gemini-3-flash-preview"
NO_SIGNATURE = "skip_thought_signature_validator"


def test_neighbours_are_joined() -> None:
    """Turns of one role that follow each other are one turn."""
    sent = body(user("a"), user("b"), message(Role.ASSISTANT, "c"), message(Role.ASSISTANT, "d"))

    assert [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}, {"text": "d"}]},
    ] == sent["contents"]


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (Refusal("no"), {"text": "no"}),
        (Text("", signature=b"\xff"), {"text": "", "thoughtSignature": "/w=="}),
        (
            Blob("audio/mpeg", b"\xff", "a.mp3"),
            {"inlineData": {"mimeType": "audio/mpeg", "data": "/w=="}},
        ),
        (MediaUri("https://e.com/a", detail="auto"), {"fileData": {"fileUri": "https://e.com/a"}}),
        (ProviderPart("gemini", {"z": 1, "a": [2.5]}), {"z": 1, "a": [2.5]}),
        (
            ProviderPart("gemini", {"toolCall": {}}, signature=b"\x01"),
            {"toolCall": {}, "thoughtSignature": "AQ=="},
        ),
    ],
)
def test_parts(part: Part, wire: Any) -> None:
    """Each part has its JSON."""
    assert [wire] == body(user(part))["contents"][0]["parts"]


@pytest.mark.parametrize(
    "part", [Text(""), Reasoning("unsigned"), Reasoning("another's", signature=b"EqQBCgIYAhIM==")]
)
def test_what_says_nothing_is_left_out(part: Part) -> None:
    """Empty text, and reasoning that Gemini did not sign, are not sent."""
    assert [{"text": "x"}] == body(user(part, "x"))["contents"][0]["parts"]


@pytest.mark.parametrize(
    ("turns", "field"),
    [
        (
            (user(MediaUri("https://e.com/a.png", detail="high")),),
            "messages[0].parts[0].uri.detail",
        ),
        ((user(ProviderPart("anthropic", {})),), "messages[0].parts[0].provider_part"),
        ((message(Role.SYSTEM, Blob("image/png", b"x")), user("a")), "messages[0].parts[0]"),
        (
            (CALL, message(Role.TOOL, ToolResult("c1", (Text("a"), Blob("image/png", b"x"))))),
            "messages[1].parts[0].tool_result.parts[1]",
        ),
        ((Message(Role.USER, (Text("a"),), "Zoë"),), "messages[0].name"),
    ],
)
def test_what_it_cannot_read(turns: tuple[Message, ...], field: str) -> None:
    """Content that the provider lacks is refused by its path, and nothing is sent."""
    failure = refused(*turns)

    assert (Reason.UNSUPPORTED_PARAMETER, f"spec.{field}") == (failure.reason, failure.field)


def test_names_can_be_dropped() -> None:
    """A speaker's name is a parameter like any other: dropped and said so, if allowed."""
    sent = request(Message(Role.USER, (Text("a"),), "Zoë"), drop=True)

    assert ("spec.messages[0].name",) == sent.dropped_parameters


@pytest.mark.parametrize("arguments", ["{", "[]", "1", "NaN", '{"a":1e999}'])
def test_arguments_must_be_objects(arguments: str) -> None:
    """Arguments that are no JSON object cannot be sent back."""
    failure = refused(message(Role.ASSISTANT, ToolCall("1", "f", arguments)))

    assert (
        Reason.INVALID_REQUEST,
        "spec.messages[0].parts[0].tool_call.arguments_json",
    ) == (failure.reason, failure.field)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_must_be_finite(value: float) -> None:
    """A number that JSON lacks is refused, not turned into null."""
    failure = refused(user(ProviderPart("gemini", {"a": [{"b": value}]})))

    assert (Reason.INVALID_REQUEST, "spec.messages[0].parts[0].provider_part.value.a[0].b") == (
        failure.reason,
        failure.field,
    )


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            ToolResult("c1", (Text("x"),)),
            {"id": "c1", "name": "f", "response": {"output": "x"}},
        ),
        (
            ToolResult("c1", (), is_error=True, name="own"),
            {"id": "c1", "name": "own", "response": {"error": ""}},
        ),
        (
            ToolResult("other", (Text("x"),), name="g"),
            {"id": "other", "name": "g", "response": {"output": "x"}},
        ),
    ],
)
def test_results(result: ToolResult, expected: Any) -> None:
    """A result names its function: as told, or as the call of the same id did."""
    sent = body(user("?"), CALL, message(Role.TOOL, result))

    assert [{"functionResponse": expected}] == sent["contents"][2]["parts"]


def test_results_with_media() -> None:
    """Models that see what a function returns get it beside the text."""
    result = ToolResult("c1", (Blob("image/png", b"\xff"), Text("a chart")))
    sent = body(user("?"), CALL, message(Role.TOOL, result), model=THREE)

    assert {
        "id": "c1",
        "name": "f",
        "response": {"output": "a chart"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "/w=="}}],
    } == sent["contents"][2]["parts"][0]["functionResponse"]


def test_a_result_of_no_known_call() -> None:
    """Without a name anywhere a result cannot be sent."""
    failure = refused(message(Role.TOOL, ToolResult("c9", (Text("x"),))))

    assert (Reason.INVALID_REQUEST, "spec.messages[0].parts[0].tool_result.name") == (
        failure.reason,
        failure.field,
    )


@pytest.mark.parametrize(
    ("model", "first", "expected"),
    [
        (THREE, b"", [NO_SIGNATURE, None]),
        ("gemini-flash-latest", b"", [NO_SIGNATURE, None]),
        (THREE, b"\xff", ["/w==", None]),
        ("gemini-2.5-pro", b"", [None, None]),
    ],
)
def test_calls_that_no_gemini_made(model: str, first: bytes, expected: list[Any]) -> None:
    """Where the first call of a turn must be signed, one without a signature is vouched for."""
    calls = (ToolCall("a", "f", "{}", signature=first), ToolCall("b", "f", "{}"))
    sent = body(user("?"), message(Role.ASSISTANT, "I call", *calls), model=model)

    parts = sent["contents"][1]["parts"]
    assert [None, *expected] == [part.get("thoughtSignature") for part in parts]

"""Messages and their parts into the family's JSON."""

from __future__ import annotations

import base64

import pytest

from service.domain.completion import (
    Blob,
    CompletionSpec,
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
from service.domain.reasons import ErrorReason
from service.providers.openai import COMPATIBLE, DEEPSEEK, OPENAI, Dialect
from tests.unit.providers.openai.asking import (
    HELLO,
    asked,
    body,
    refused,
    said,
)


@pytest.mark.parametrize(
    ("dialect", "role"), [(OPENAI, "developer"), (DEEPSEEK, "system"), (COMPATIBLE, "system")]
)
def test_developer_role(dialect: Dialect, role: str) -> None:
    """A server that knows no developer receives system instructions."""
    assert {"role": role, "content": "be brief"} == said(
        Role.DEVELOPER, Text("be brief"), dialect=dialect
    )


def test_names_of_speakers() -> None:
    """A name tells speakers of one role apart."""
    wire = asked(messages=(Message(Role.USER, (Text("hi"),), "ann"),))

    assert [{"role": "user", "name": "ann", "content": "hi"}] == wire["messages"]


def test_media() -> None:
    """Images, audio and documents keep their place between the texts."""
    data = b"\x00\x01\xfe"
    encoded = base64.b64encode(data).decode()
    content = said(
        Role.USER,
        Text("look"),
        Blob("image/png", data),
        MediaUri("https://example.org/a.jpg", detail="low"),
        MediaUri("https://example.org/b", "image/webp"),
        Blob("audio/mpeg", data),
        Blob("audio/wav", data),
        Blob("application/pdf", data, "a.pdf"),
        ProviderPart("openai", {"type": "new", "x": 1}),
    )["content"]

    assert [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/b"}},
        {"type": "input_audio", "input_audio": {"data": encoded, "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": encoded, "format": "wav"}},
        {
            "type": "file",
            "file": {
                "filename": "a.pdf",
                "file_data": f"data:application/pdf;base64,{encoded}",
            },
        },
        {"type": "new", "x": 1},
    ] == content


@pytest.mark.parametrize(
    ("dialect", "part", "path"),
    [
        (OPENAI, Blob("video/mp4", b"x"), "spec.messages[0].parts[0].blob.mime_type"),
        (OPENAI, MediaUri("https://x", "audio/wav"), "spec.messages[0].parts[0].uri"),
        (OPENAI, ProviderPart("gemini", {}), "spec.messages[0].parts[0].provider_part"),
        (DEEPSEEK, Blob("image/png", b"x"), "spec.messages[0].parts[0]"),
        (DEEPSEEK, ProviderPart("openai", {}), "spec.messages[0].parts[0].provider_part"),
    ],
)
def test_parts_that_cannot_be_said(dialect: Dialect, part: Part, path: str) -> None:
    """Content is never dropped: a part that the provider cannot take is refused by its path."""
    failure = refused(dialect, messages=(Message(Role.USER, (part,)),))

    assert (ErrorReason.UNSUPPORTED_PARAMETER, path) == (failure.reason, failure.field)


def test_assistant_turn() -> None:
    """Text, refusal and parallel calls of an earlier turn go back with their ids."""
    wire = said(
        Role.ASSISTANT,
        Text("I'll look."),
        Refusal("not that"),
        ToolCall("a", "weather", '{"city": "Bern"}'),
        ToolCall("b", "weather", "{}"),
    )

    assert {
        "role": "assistant",
        "content": "I'll look.",
        "refusal": "not that",
        "tool_calls": [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Bern"}'},
            },
            {"id": "b", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        ],
    } == wire


def test_assistant_turn_without_text() -> None:
    """A turn of calls alone has null content, as the provider itself writes it."""
    assert said(Role.ASSISTANT, ToolCall("a", "f", "{}"))["content"] is None


def test_custom_tool_call_goes_back_as_it_came() -> None:
    """A call of a tool that is no function returns among the calls."""
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}

    assert [custom] == said(Role.ASSISTANT, ProviderPart("openai", custom))["tool_calls"]


@pytest.mark.parametrize(
    ("dialect", "calls", "expected"),
    [
        (OPENAI, True, None),
        (DEEPSEEK, False, None),
        (DEEPSEEK, True, "hm"),
        (COMPATIBLE, False, "hm"),
        (COMPATIBLE, True, "hm"),
    ],
)
def test_earlier_reasoning(dialect: Dialect, *, calls: bool, expected: str | None) -> None:
    """Earlier reasoning goes back where the server wants it."""
    rest = (ToolCall("a", "f", "{}"),) if calls else (Text("done"),)
    wire = said(Role.ASSISTANT, Reasoning("hm"), *rest, dialect=dialect)

    assert expected == wire.get("reasoning_content")


def test_tool_results() -> None:
    """Each result is a message of its own, tied to its call."""
    message = Message(
        Role.TOOL,
        (
            ToolResult("a", (Text("sun"),), name="weather"),
            ToolResult("b", (Text("rain"), Text("wind")), is_error=True),
            ToolResult("c", ()),
        ),
    )

    assert [
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": [{"type": "text", "text": "rain"}, {"type": "text", "text": "wind"}],
        },
        {"role": "tool", "tool_call_id": "c", "content": ""},
    ] == asked(messages=(message,))["messages"]


def test_image_in_a_tool_result_is_refused() -> None:
    """Tool results are text in this family."""
    message = Message(Role.TOOL, (ToolResult("a", (Text("x"), Blob("image/png", b"x"))),))
    failure = refused(messages=(message,))

    assert "spec.messages[0].parts[0].tool_result.parts[1]" == failure.field


def test_text_only_servers_take_one_string() -> None:
    """DeepSeek takes a message's content as one string."""
    assert "ab" == said(Role.USER, Text("a"), Text("b"), dialect=DEEPSEEK)["content"]


def test_cache_hint_changes_nothing() -> None:
    """A cache hint is a hint: these providers cache by themselves, and the bytes stay the same."""
    hinted = CompletionSpec("m", (Message(Role.USER, (Text("hello", cache_ttl_s=60),)),))

    assert body(CompletionSpec("m", HELLO)) == body(hinted)

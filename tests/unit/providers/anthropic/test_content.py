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
from tests.unit.providers.anthropic.asking import body, message, refused, request, user

SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}
TURNS = (user("a"), message(Role.SYSTEM, "now French"), message(Role.ASSISTANT, "b"), user("c"))


def texts(blocks: Any) -> list[str]:
    return [block["text"] for block in blocks]


def first_block(part: Part) -> Any:
    return body(user(part))["messages"][0]["content"][0]


def test_neighbours_are_joined() -> None:
    """Turns of one role that follow each other are one turn."""
    sent = body(user("a"), user("b"), message(Role.ASSISTANT, "c"), message(Role.ASSISTANT, "d"))

    assert [("user", ["a", "b"]), ("assistant", ["c", "d"])] == [
        (turn["role"], texts(turn["content"])) for turn in sent["messages"]
    ]


def test_results_come_first() -> None:
    """In the turn that answers calls, the results precede what the user says."""
    sent = body(
        user("?"),
        message(Role.ASSISTANT, ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}")),
        message(Role.TOOL, ToolResult("1", (Text("x"),))),
        user("aside"),
        message(Role.TOOL, ToolResult("2", ())),
    )

    assert [
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "x"}]},
        {"type": "tool_result", "tool_use_id": "2"},
        {"type": "text", "text": "aside"},
    ] == sent["messages"][2]["content"]


def test_system_amid_older_models() -> None:
    """A model that takes system messages in one place only gets them there."""
    sent = body(*TURNS, model="claude-sonnet-4-5")

    assert ["now French"] == texts(sent["system"])
    assert ["user", "assistant", "user"] == [turn["role"] for turn in sent["messages"]]


def test_system_amid_newer_models() -> None:
    """A model that takes them amid the conversation gets them where they stood."""
    sent = body(message(Role.SYSTEM, "first"), *TURNS, model="claude-opus-4-8")

    assert ["first"] == texts(sent["system"])
    assert ["user", "system", "assistant", "user"] == [turn["role"] for turn in sent["messages"]]


@pytest.mark.parametrize(
    "turns",
    [
        (user("a"), message(Role.SYSTEM, "s"), user("b")),
        (user("a"), message(Role.ASSISTANT, "b"), message(Role.SYSTEM, "s"), user("c")),
    ],
)
def test_system_where_it_may_not_stand(turns: tuple[Message, ...]) -> None:
    """Where the API refuses a system message, it joins the system prompt."""
    sent = body(*turns, model="claude-opus-4-8")

    assert ["s"] == texts(sent["system"])
    assert {"user", "assistant"} >= {turn["role"] for turn in sent["messages"]}


def test_system_messages_are_text() -> None:
    """Nothing but text can frame a conversation."""
    failure = refused(message(Role.SYSTEM, Blob("image/png", b"x")), user("a"))

    assert (Reason.UNSUPPORTED_PARAMETER, "spec.messages[0].parts[0]") == (
        failure.reason,
        failure.field,
    )


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Refusal("no"), {"type": "text", "text": "no"}),
        (
            Blob("image/jpg", b"\xff"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/jpeg", "data": "/w=="},
            },
        ),
        (
            Blob("text/csv; charset=utf-8", "ä,b".encode(), "t.csv"),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"},
                "title": "t.csv",
            },
        ),
        (
            MediaUri("https://e.com/a.PDF?x=1"),
            {"type": "document", "source": {"type": "url", "url": "https://e.com/a.PDF?x=1"}},
        ),
        (
            MediaUri("https://e.com/a", detail="auto"),
            {"type": "image", "source": {"type": "url", "url": "https://e.com/a"}},
        ),
        (
            ProviderPart("anthropic", {"type": "search_result", "z": 1, "a": [2.5]}),
            {"type": "search_result", "z": 1, "a": [2.5]},
        ),
    ],
)
def test_blocks(part: Part, block: Any) -> None:
    """Each part has its block."""
    assert block == first_block(part)


@pytest.mark.parametrize(
    "part",
    [
        Text(""),
        Reasoning("unproven"),
        Reasoning("of another provider", signature=b"\x12\xff"),
        Reasoning(encrypted=b"\xff"),
    ],
)
def test_what_says_nothing_is_left_out(part: Part) -> None:
    """Anthropic refuses empty text and reasoning that is not its own; nobody misses them."""
    assert [{"type": "text", "text": "x"}] == body(user(part, "x"))["messages"][0]["content"]


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (Blob("audio/wav", b"x"), "blob.mime_type"),
        (Blob("image/tiff", b"x"), "blob.mime_type"),
        (Blob("text/plain", b"\xff"), "blob.data"),
        (MediaUri("https://e.com/a.mp3", "audio/mpeg"), "uri"),
        (MediaUri("https://e.com/a.png", detail="high"), "uri.detail"),
        (ProviderPart("gemini", {}), "provider_part"),
    ],
)
def test_what_it_cannot_read(part: Part, field: str) -> None:
    """Content that the provider lacks is refused by its path, and nothing is sent."""
    failure = refused(user("a"), user("b", part))

    assert (Reason.UNSUPPORTED_PARAMETER, f"spec.messages[1].parts[1].{field}") == (
        failure.reason,
        failure.field,
    )


def test_names_can_be_dropped() -> None:
    """A speaker's name is a parameter like any other: dropped and said so, if allowed."""
    sent = request(Message(Role.USER, (Text("a"),), "Zoë"), drop=True)

    assert ("spec.messages[0].name",) == sent.dropped_parameters


@pytest.mark.parametrize("arguments", ["{", "[]", "1", "NaN", '{"a":1e999}'])
def test_arguments_must_be_objects(arguments: str) -> None:
    """Arguments that are no JSON object cannot be sent back."""
    turn = message(Role.ASSISTANT, "calling", ToolCall("1", "f", arguments))
    failure = refused(user("a"), turn)

    assert (
        Reason.INVALID_REQUEST,
        "spec.messages[1].parts[1].tool_call.arguments_json",
    ) == (failure.reason, failure.field)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_must_be_finite(value: float) -> None:
    """A number that JSON lacks is refused, not turned into null."""
    failure = refused(user(ProviderPart("anthropic", {"type": "x", "a": [{"b": value}]})))

    assert (Reason.INVALID_REQUEST, "spec.messages[0].parts[0].provider_part.value.a[0].b") == (
        failure.reason,
        failure.field,
    )


@pytest.mark.parametrize(
    ("ttl_s", "control"), [(0, SHORT), (300, SHORT), (301, LONG), (86400, LONG)]
)
def test_cache_lifetimes(ttl_s: int, control: Any) -> None:
    """A hint takes the nearest lifetime that is long enough, or the longest there is."""
    assert control == first_block(Text("a", cache_ttl_s=ttl_s))["cache_control"]


def test_too_many_cache_hints() -> None:
    """Hints never break a call: only the last four are sent."""
    sent = body(*(user(Text(f"{n}", cache_ttl_s=0)) for n in range(6)))
    blocks = sent["messages"][0]["content"]

    assert [False, False, True, True, True, True] == ["cache_control" in b for b in blocks]


def test_cache_hints_grow_shorter() -> None:
    """A long-lived prefix may not follow a short-lived one: what precedes it lives as long."""
    ttls = (0, 3600, 0)
    blocks = body(*(user(Text("a", cache_ttl_s=ttl)) for ttl in ttls))["messages"][0]["content"]

    assert [LONG, LONG, SHORT] == [block["cache_control"] for block in blocks]


def test_cache_hints_inside_of_results() -> None:
    """A hint inside of a result marks the result; reasoning cannot be marked."""
    sent = body(
        user("a"),
        message(
            Role.ASSISTANT,
            Reasoning("r", signature=b"s", cache_ttl_s=0),
            ToolCall("1", "f", "{}"),
        ),
        message(Role.TOOL, ToolResult("1", (Text("x", cache_ttl_s=3600), Text("y")))),
    )

    assert "cache_control" not in sent["messages"][1]["content"][0]
    assert LONG == sent["messages"][2]["content"][0]["cache_control"]

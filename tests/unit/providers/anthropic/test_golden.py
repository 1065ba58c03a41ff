"""Recorded shapes of the API, both ways."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from service.domain.completion import (
    Blob,
    Completion,
    Ending,
    FinishReason,
    FunctionTool,
    JsonSchemaFormat,
    MediaUri,
    ProviderPart,
    ProviderTool,
    Reasoning,
    ReasoningWish,
    Role,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent, fold
from service.domain.provider import Defaults, ProviderCall
from service.providers.anthropic import Anthropic
from service.providers.sse import SseReader
from tests.unit.providers.anthropic.answering import GOLDEN, golden_events
from tests.unit.providers.anthropic.asking import call, message, user

SEARCH_CALL = {
    "type": "server_tool_use",
    "id": "srvtoolu_014hJH82Qum7Td6UV8gDXThB",
    "name": "web_search",
    "input": {"query": "weather NYC today"},
}
SEARCH_RESULT = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_014hJH82Qum7Td6UV8gDXThB",
    "content": [
        {
            "type": "web_search_result",
            "title": "Weather in New York",
            "url": "https://example.com/nyc",
            "encrypted_content": "Ev0DCioIAxgCIiQ3",
            "page_age": None,
        }
    ],
}
CITATION = {
    "type": "web_search_result_location",
    "url": "https://example.com/nyc",
    "cited_text": "12 degrees",
}
ANSWERS = {
    "text": Completion(
        (Text('Hi! My name is Claude.\n\nZoë says "hé".'),),
        Ending(
            FinishReason.STOP,
            "end_turn",
            Usage(
                input_tokens=21 + 188086 + 2051,
                output_tokens=393,
                cache_read_input_tokens=2051,
                cache_write_input_tokens=188086,
                reasoning_output_tokens=11,
            ),
            "msg_013Zva2CMHLNnXjNJJKqJ2EF",
            {
                "model": "claude-sonnet-4-6",
                "usage": {
                    "cache_creation": {
                        "ephemeral_5m_input_tokens": 188086,
                        "ephemeral_1h_input_tokens": 0,
                    },
                    "service_tier": "standard",
                },
            },
            provider_model="claude-sonnet-4-6",
        ),
    ),
    "tools": Completion(
        (
            Reasoning(
                "Two cities, two calls. I shall ask for both at once.",
                signature=b"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk==",
            ),
            Reasoning(encrypted=b"EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIw"),
            Text("I will look it up."),
            ToolCall(
                "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
                "get_weather",
                '{"city":"Zürich","days":9007199254740993}',
            ),
            ToolCall("toolu_01XyZ", "now", "{}"),
        ),
        Ending(
            FinishReason.TOOL_CALLS,
            "tool_use",
            Usage(472, 89),
            "msg_01Aq9w938a90dw8q",
            {"model": "claude-opus-5-5", "content": {"3": {"caller": {"type": "direct"}}}},
            provider_model="claude-opus-5-5",
        ),
    ),
    "search": Completion(
        (
            ProviderPart("anthropic", SEARCH_CALL),
            ProviderPart("anthropic", SEARCH_RESULT),
            Text("It is 12 degrees."),
        ),
        Ending(
            FinishReason.PAUSED,
            "pause_turn",
            Usage(2679, 510, web_search_count=1),
            "msg_01G",
            {
                "model": "claude-opus-4-8",
                "container": {"id": "container_1", "expires_at": "2026-11-24T16:00:00Z"},
                "usage": {"server_tool_use": {"web_search_requests": 1}},
                "content": {"2": {"citations": [CITATION]}},
            },
            provider_model="claude-opus-4-8",
        ),
    ),
}
answers = pytest.mark.parametrize("name", ANSWERS)


def spoken(name: str) -> list[StreamEvent]:
    decoder = Anthropic().stream_decoder()
    return [event for sse in golden_events(name) for event in decoder.feed(sse)]


@answers
def test_whole(name: str) -> None:
    """A recorded answer is read completely."""
    body = (GOLDEN / f"{name}.json").read_bytes()

    assert ANSWERS[name] == Anthropic().completion(body)


@answers
def test_streamed(name: str) -> None:
    """The same answer, streamed, folds into the same value."""
    assert ANSWERS[name] == fold(spoken(name))


@answers
def test_cut_at_every_byte(name: str) -> None:
    """A stream that lacks a byte is never clean, whichever was its last."""
    whole = (GOLDEN / f"{name}.sse").read_bytes()
    for length in range(len(whole)):
        reader, decoder = SseReader("anthropic", 1_000_000), Anthropic().stream_decoder()
        told = [event for sse in reader.feed(whole[:length]) for event in decoder.feed(sse)]

        assert not any(isinstance(event, Ending) for event in told)
        assert [] == reader.finish(framed=False)
        with pytest.raises(ProviderFailure, match="anthropic sent an invalid answer"):
            decoder.close(framed=False)


@answers
def test_answers_go_back_unchanged(name: str) -> None:
    """What the model said is handed back block by block, as it came."""
    sent = orjson.loads((GOLDEN / f"{name}.json").read_bytes())["content"]
    for block in sent:
        # Said in the metadata: the domain has no place for them.
        block.pop("citations", None)
        block.pop("caller", None)
    turn = message(Role.ASSISTANT, *ANSWERS[name].parts)
    request = Anthropic().completion_request(call(user("?"), turn), stream=False)

    assert sent == orjson.loads(request.body)["messages"][1]["content"]


def full_call() -> ProviderCall:
    look = FunctionTool(
        "look", "Looks.", '{"type":"object","properties":{"b":{},"a":{}}}', strict=True
    )
    return call(
        message(Role.SYSTEM, "Be brief."),
        message(Role.DEVELOPER, Text("Speak German.", cache_ttl_s=3600)),
        user("What is this?", Blob("image/png", b"\x89PNG")),
        user(
            MediaUri("https://example.com/cat.jpg", "image/jpeg"),
            Blob("application/pdf", b"%PDF-", "a.pdf"),
        ),
        message(
            Role.ASSISTANT,
            Reasoning("Hm.", signature=b"EqQB"),
            Reasoning(encrypted=b"Emwk"),
            ToolCall("toolu_1", "look", '{"b":1,"a":12345678901234567890123}'),
            ToolCall("toolu_2", "look", ""),
        ),
        message(
            Role.TOOL,
            ToolResult("toolu_1", (Text("A cat"), Blob("image/jpeg", b"\xff\xd8\xff"))),
        ),
        message(Role.TOOL, ToolResult("toolu_2", (Text("too dark"),), is_error=True)),
        user(Text("Well?", cache_ttl_s=0)),
        tools=(
            look,
            FunctionTool("rest"),
            ProviderTool("anthropic", {"type": "web_search_20260318", "name": "web_search"}),
        ),
        tool_choice=ToolChoice(disable_parallel=True),
        output_format=JsonSchemaFormat('{"type":"object","required":["z","a"]}'),
        reasoning=ReasoningWish(budget_tokens=5000),
        sampling=Sampling(top_p=0.95, stop=("END",), max_output_tokens=9000),
        defaults=Defaults(temperature=0.7, max_output_tokens=4000),
        provider_options={"anthropic": {"metadata": {"user_id": "u1"}}, "openai": {"x": 1}},
    )


def test_request() -> None:
    """A call with everything in it becomes these bytes; large numbers and orders are kept."""
    golden = (GOLDEN / "request.json").read_text()
    compact = orjson.dumps(orjson.loads(golden.replace("12345678901234567890123", '"BIG"')))
    expected = compact.replace(b'"BIG"', b"12345678901234567890123")

    assert expected == Anthropic().completion_request(full_call(), stream=True).body


def test_equal_calls_give_equal_bytes() -> None:
    """Prompt caches depend on it."""
    first = Anthropic().completion_request(full_call(), stream=True)
    second = Anthropic().completion_request(full_call(), stream=True)

    assert first.body == second.body
    assert first == replace(second)

"""Recorded shapes of the API, both ways."""

from __future__ import annotations

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
from service.providers.gemini import Gemini
from service.providers.sse import SseReader
from tests.unit.providers.gemini.answering import GOLDEN, golden_events
from tests.unit.providers.gemini.asking import call, message, user

PNG = b"\x89PNG"
RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}
ANSWERS = {
    "text": Completion(
        (
            Reasoning("**Weighing it**\n\nThe user greets me."),
            Text(
                'Hello! Zoë says "hé".',
                signature=bytes.fromhex("12f4010af10101d1ed8a6f7ffb"),
            ),
        ),
        Ending(
            FinishReason.STOP,
            "STOP",
            Usage(
                input_tokens=2064,
                output_tokens=11 + 34,
                cache_read_input_tokens=2027,
                reasoning_output_tokens=34,
                audio_input_tokens=306,
                image_input_tokens=258,
            ),
            "kA0jaa7XO8eg",
            {
                "modelVersion": "gemini-2.5-flash",
                "candidate": {"avgLogprobs": -0.25, "safetyRatings": [RATING]},
                "usageMetadata": {"cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 2027}]},
            },
            provider_model="gemini-2.5-flash",
        ),
    ),
    "tools": Completion(
        (
            Text("I will look."),
            ToolCall(
                "gemini-call-r-2-1",
                "get_weather",
                '{"city":"Zürich","days":9007199254740993}',
                signature=bytes.fromhex("0aa4010172c8da7c"),
            ),
            ToolCall("fc_77", "get_weather", '{"city":"Bern"}'),
            ToolCall("gemini-call-r-2-3", "now", "{}"),
        ),
        Ending(
            FinishReason.TOOL_CALLS,
            "STOP",
            Usage(85, 40),
            "r-2",
            {
                "modelVersion": "gemini-3.1-pro-preview",
                "candidate": {"finishMessage": "Model generated function call(s)."},
                "usageMetadata": {"serviceTier": "standard"},
            },
            provider_model="gemini-3.1-pro-preview",
        ),
    ),
    "media": Completion(
        (
            ProviderPart("gemini", {"executableCode": {"language": "PYTHON", "code": "print(1)"}}),
            ProviderPart(
                "gemini", {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
            ),
            ProviderPart(
                "gemini",
                {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}, "thought": True},
            ),
            Text("Here it is: "),
            Blob("image/png", PNG, signature=b"\x01\x02\xff\xf8"),
            MediaUri("https://example.com/v", "video/mp4"),
        ),
        Ending(
            FinishReason.MAX_TOKENS,
            "MAX_TOKENS",
            Usage(5, 1290, audio_output_tokens=25),
            "",
            {
                "modelVersion": "gemini-3-pro-image",
                "candidate": {"groundingMetadata": {"webSearchQueries": ["q"]}},
            },
            provider_model="gemini-3-pro-image",
        ),
    ),
}
answers = pytest.mark.parametrize("name", ANSWERS)


def spoken(name: str) -> list[StreamEvent]:
    decoder = Gemini().stream_decoder()
    told = [event for sse in golden_events(name) for event in decoder.feed(sse)]
    return [*told, *decoder.close(framed=True)]


@answers
def test_whole(name: str) -> None:
    """A recorded answer is read completely."""
    body = (GOLDEN / f"{name}.json").read_bytes()

    assert ANSWERS[name] == Gemini().completion(body)


@answers
def test_streamed(name: str) -> None:
    """The same answer, streamed, folds into the same value."""
    assert ANSWERS[name] == fold(spoken(name))


@answers
def test_cut_at_every_byte(name: str) -> None:
    """A stream that lacks a byte is never clean, whichever was its last."""
    whole = (GOLDEN / f"{name}.sse").read_bytes()
    for length in range(len(whole)):
        reader, decoder = SseReader("gemini", 1_000_000), Gemini().stream_decoder()
        told = [event for sse in reader.feed(whole[:length]) for event in decoder.feed(sse)]

        assert not any(isinstance(event, Ending) for event in told)
        assert [] == reader.finish(framed=False)
        with pytest.raises(ProviderFailure, match="gemini sent an invalid answer"):
            decoder.close(framed=False)


@pytest.mark.parametrize("name", ["tools", "media"])
def test_answers_go_back_unchanged(name: str) -> None:
    """What the model said is handed back part by part, as it came."""
    sent = orjson.loads((GOLDEN / f"{name}.json").read_bytes())["candidates"][0]["content"]
    for part in sent["parts"]:
        # The same bytes, in the standard alphabet; and no arguments are an empty object.
        if part.get("thoughtSignature") == "AQL_-A":
            part["thoughtSignature"] = "AQL/+A=="
        if part.get("functionCall") == {"name": "now"}:
            part["functionCall"]["args"] = {}
    turn = message(Role.ASSISTANT, *ANSWERS[name].parts)
    request = Gemini().completion_request(call(user("?"), turn, model="gemini-3-pro"), stream=False)

    assert sent == orjson.loads(request.body)["contents"][1]


def full_call() -> ProviderCall:
    look = FunctionTool("look", "Looks.", '{"type":"object","properties":{"b":{},"a":{}}}')
    arguments = '{"b":1,"a":12345678901234567890123}'
    return call(
        message(Role.SYSTEM, "Be brief."),
        user("What is this?", Blob("image/png", PNG), Blob("audio/wav", b"RIFF")),
        user(
            Blob("application/pdf", b"%PDF-", "a.pdf"),
            MediaUri("gs://bucket/cat.jpg", "image/jpeg"),
            MediaUri("https://example.com/v"),
        ),
        message(
            Role.ASSISTANT,
            Reasoning("unsigned"),
            Reasoning("Hm.", signature=b"\x12\xff"),
            Text("Looking.", signature=b"\x12\xfe"),
            ToolCall("gemini-call-r-1", "look", arguments, signature=b"\x12\xfd"),
            ToolCall("toolu_2", "look", ""),
        ),
        message(Role.DEVELOPER, Text("Speak German.", cache_ttl_s=60)),
        message(Role.TOOL, ToolResult("gemini-call-r-1", (Text("A cat, "), Text("asleep")))),
        message(Role.TOOL, ToolResult("toolu_2", (Text("too dark"),), is_error=True)),
        user("Well?"),
        tools=(look, FunctionTool("rest"), ProviderTool("gemini", {"googleSearch": {}})),
        tool_choice=ToolChoice(function_name="look"),
        output_format=JsonSchemaFormat('{"type":"object","required":["z","a"]}'),
        reasoning=ReasoningWish(budget_tokens=5000, include_text=True),
        sampling=Sampling(
            top_p=0.95,
            top_k=40,
            stop=("END",),
            seed=7,
            presence_penalty=0.1,
            frequency_penalty=-0.1,
            top_logprobs=3,
        ),
        defaults=Defaults(temperature=0.7, max_output_tokens=4000),
        provider_options={
            "gemini": {
                "safetySettings": [
                    {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}
                ]
            }
        },
    )


def test_request() -> None:
    """A call with everything in it becomes these bytes; large numbers and orders are kept."""
    golden = (GOLDEN / "request.json").read_text()
    compact = orjson.dumps(orjson.loads(golden.replace("12345678901234567890123", '"BIG"')))
    expected = compact.replace(b'"BIG"', b"12345678901234567890123")

    assert expected == Gemini().completion_request(full_call(), stream=True).body


def test_equal_calls_give_equal_bytes() -> None:
    """Prompt caches depend on it."""
    first = Gemini().completion_request(full_call(), stream=False)
    second = Gemini().completion_request(full_call(), stream=False)

    assert first == second

"""Calls into the bodies that OpenAI, DeepSeek and compatible servers take."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from service.domain.completion import (
    Blob,
    CompletionSpec,
    Effort,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaUri,
    Message,
    Part,
    ProviderPart,
    ProviderTool,
    Reasoning,
    ReasoningWish,
    Refusal,
    Role,
    Sampling,
    Text,
    ToolCall,
    ToolChoice,
    ToolMode,
    ToolResult,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, EmbeddingCall, OnUnsupported, ProviderCall
from service.domain.reasons import ErrorReason
from service.providers.openai import COMPATIBLE, DEEPSEEK, OPENAI, Dialect, OpenAI

HELLO = (Message(Role.USER, (Text("hello"),)),)
WEATHER = FunctionTool("weather", "Tells it.", '{"type":"object","properties":{}}', strict=True)


def spec_of(**fields: Any) -> CompletionSpec:
    return replace(CompletionSpec("m", HELLO), **fields)


def call(spec: CompletionSpec, **changes: Any) -> ProviderCall:
    return replace(ProviderCall(spec, "m"), **changes)


def body(
    spec: CompletionSpec, dialect: Dialect = OPENAI, *, stream: bool = False, **changes: Any
) -> dict[str, Any]:
    request = OpenAI(dialect).completion_request(call(spec, **changes), stream=stream)
    return orjson.loads(request.body)


def asked(dialect: Dialect = OPENAI, **fields: Any) -> dict[str, Any]:
    return body(spec_of(**fields), dialect)


def said(role: Role, *parts: Part, dialect: Dialect = OPENAI) -> Any:
    return asked(dialect, messages=(Message(role, parts),))["messages"][0]


def refused(dialect: Dialect = OPENAI, **fields: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        asked(dialect, **fields)
    assert caught.value.local
    return caught.value


def test_smallest_request_says_nothing_that_the_caller_did_not() -> None:
    """What the caller leaves out, the body leaves out."""
    assert {"model": "m", "messages": [{"role": "user", "content": "hello"}]} == asked()


def test_stream_asks_for_usage() -> None:
    """A stream's usage comes only when asked for."""
    wire = body(CompletionSpec("m", HELLO), stream=True)

    assert wire["stream"] is True
    assert {"include_usage": True} == wire["stream_options"]


def test_equal_calls_give_equal_bytes() -> None:
    """Providers cache prompts by their bytes: equal calls are byte-identical, keys in order."""
    spec = CompletionSpec("m", HELLO, Sampling(temperature=0.5, seed=3), (WEATHER,))
    request = OpenAI().completion_request(call(spec), stream=True)

    assert request == OpenAI().completion_request(call(spec), stream=True)
    assert [
        "model",
        "messages",
        "temperature",
        "seed",
        "tools",
        "stream",
        "stream_options",
    ] == list(orjson.loads(request.body))
    assert "/chat/completions" == request.path


def test_sampling() -> None:
    """Every field of sampling has its word."""
    sampling = Sampling(
        temperature=0.7,
        top_p=0.9,
        max_output_tokens=9,
        stop=("a", "b"),
        seed=1 << 40,
        frequency_penalty=-1.5,
        presence_penalty=1,
        top_logprobs=2,
    )
    expected = {
        "max_completion_tokens": 9,
        "temperature": 0.7,
        "top_p": 0.9,
        "stop": ["a", "b"],
        "seed": 1 << 40,
        "frequency_penalty": -1.5,
        "presence_penalty": 1,
        "logprobs": True,
        "top_logprobs": 2,
    }
    wire = asked(sampling=sampling)

    assert expected == {name: wire[name] for name in expected}


def test_logprobs_without_alternatives() -> None:
    """top_logprobs 0 asks for the tokens' own probability alone."""
    wire = asked(sampling=Sampling(top_logprobs=0))

    assert wire["logprobs"] is True
    assert "top_logprobs" not in wire


@pytest.mark.parametrize(
    ("dialect", "field"),
    [(OPENAI, "max_completion_tokens"), (DEEPSEEK, "max_tokens"), (COMPATIBLE, "max_tokens")],
)
def test_limit_of_tokens(dialect: Dialect, field: str) -> None:
    """Only OpenAI itself takes the newer word for the limit."""
    assert 9 == asked(dialect, sampling=Sampling(max_output_tokens=9))[field]


def test_defaults_fill_what_the_caller_left_out() -> None:
    """The configured defaults stand in for unset sampling, and never overrule the caller."""
    defaults = Defaults(0.7, 4000)
    spec = CompletionSpec("m", HELLO, Sampling(max_output_tokens=5))
    wire = body(spec, defaults=defaults)

    assert 0.7 == wire["temperature"]
    assert 5 == wire["max_completion_tokens"]


@pytest.mark.parametrize("model", ["o1", "o3-mini", "o4-mini", "gpt-5-nano"])
def test_default_temperature_is_not_sent_to_models_that_refuse_it(model: str) -> None:
    """A reasoning model gets no temperature unless the caller names one."""
    defaults = Defaults(0.7, 4000)
    silent = body(CompletionSpec("m", HELLO), model=model, defaults=defaults)
    spoken = body(CompletionSpec("m", HELLO, Sampling(temperature=1)), model=model)

    assert "temperature" not in silent
    assert 1 == spoken["temperature"]


def test_default_temperature_behind_a_gateway() -> None:
    """A gateway's model name is judged without its vendor."""
    silent = body(CompletionSpec("m", HELLO), COMPATIBLE, model="openai/o3", defaults=Defaults(0.7))
    other = body(CompletionSpec("m", HELLO), COMPATIBLE, model="acme/llama", defaults=Defaults(0.7))

    assert "temperature" not in silent
    assert 0.7 == other["temperature"]


@pytest.mark.parametrize(
    ("dialect", "fields", "path"),
    [
        (OPENAI, {"sampling": Sampling(top_k=3)}, "spec.sampling.top_k"),
        (OPENAI, {"reasoning": ReasoningWish(budget_tokens=9)}, "spec.reasoning.budget_tokens"),
        (OPENAI, {"reasoning": ReasoningWish(include_text=True)}, "spec.reasoning.include_text"),
        (DEEPSEEK, {"sampling": Sampling(seed=3)}, "spec.sampling.seed"),
        (
            DEEPSEEK,
            {"tools": (WEATHER,), "tool_choice": ToolChoice(disable_parallel=True)},
            "spec.tool_choice.disable_parallel",
        ),
        (
            DEEPSEEK,
            {"output_format": JsonSchemaFormat('{"type":"object"}')},
            "spec.output_format.json_schema",
        ),
    ],
)
def test_what_the_provider_lacks(dialect: Dialect, fields: Mapping[str, Any], path: str) -> None:
    """A parameter that the provider lacks is refused by its path, or dropped and named."""
    failure = refused(dialect, **fields)
    dropping = call(spec_of(**fields), on_unsupported=OnUnsupported.DROP)
    request = OpenAI(dialect).completion_request(dropping, stream=False)

    assert (ErrorReason.UNSUPPORTED_PARAMETER, path) == (failure.reason, failure.field)
    assert (path,) == request.dropped_parameters


def test_dropped_schema_still_asks_for_json() -> None:
    """Where only the schema is lacking, the answer is still asked to be JSON."""
    spec = CompletionSpec("m", HELLO, output_format=JsonSchemaFormat('{"type":"object"}'))
    wire = body(spec, DEEPSEEK, on_unsupported=OnUnsupported.DROP)

    assert {"type": "json_object"} == wire["response_format"]


def test_compatible_servers_take_top_k() -> None:
    """Open servers know top_k, which OpenAI does not."""
    assert 3 == asked(COMPATIBLE, sampling=Sampling(top_k=3))["top_k"]


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


def test_tools() -> None:
    """Functions keep their schema's key order; provider tools pass through."""
    schema = '{"type":"object","properties":{"z":{},"a":{}},"required":["z"]}'
    own = ProviderTool("openai", {"type": "custom", "custom": {"name": "sql"}})
    wire = asked(tools=(FunctionTool("f", "", schema), WEATHER, own, FunctionTool("bare")))

    assert ["z", "a"] == list(wire["tools"][0]["function"]["parameters"]["properties"])
    assert wire["tools"][1]["function"]["strict"] is True
    assert own.config == wire["tools"][2]
    assert {"type": "function", "function": {"name": "bare"}} == wire["tools"][3]


def test_tool_of_another_provider_is_refused() -> None:
    """A tool that only another family runs cannot be offered here."""
    failure = refused(tools=(WEATHER, ProviderTool("anthropic", {})))

    assert "spec.tools[1].provider_tool" == failure.field


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(), "auto"),
        (ToolChoice(ToolMode.NONE), "none"),
        (ToolChoice(ToolMode.REQUIRED), "required"),
        (
            ToolChoice(function_name="weather"),
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: object) -> None:
    """Modes are words, a function is named."""
    assert expected == asked(tools=(WEATHER,), tool_choice=choice)["tool_choice"]


def test_one_call_at_a_time() -> None:
    """disable_parallel is the provider's parallel_tool_calls turned round."""
    wire = asked(tools=(WEATHER,), tool_choice=ToolChoice(disable_parallel=True))

    assert wire["parallel_tool_calls"] is False


def test_choice_without_tools_is_left_unsaid() -> None:
    """Providers refuse a choice among no tools, so one that changes nothing is not sent."""
    assert "tool_choice" not in asked(tool_choice=ToolChoice(disable_parallel=True))


def test_output_formats() -> None:
    """JSON by schema, or any JSON object."""
    by_schema = asked(output_format=JsonSchemaFormat('{"type":"object"}', "a", strict=True))
    any_object = asked(output_format=JsonObjectFormat())

    assert {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True},
    } == by_schema["response_format"]
    assert {"type": "json_object"} == any_object["response_format"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"tools": (WEATHER, FunctionTool("f", "", "{no"))},
            "spec.tools[1].function.parameters_json_schema",
        ),
        ({"output_format": JsonSchemaFormat("[")}, "spec.output_format.json_schema.schema_json"),
        ({"output_format": JsonSchemaFormat("1")}, "spec.output_format.json_schema.schema_json"),
    ],
)
def test_broken_schema(fields: Mapping[str, Any], path: str) -> None:
    """A schema that is no JSON object is the caller's mistake, named by its path."""
    failure = refused(**fields)

    assert (ErrorReason.INVALID_REQUEST, path) == (failure.reason, failure.field)


def test_bottomless_schema() -> None:
    """A schema nested deeper than JSON is written is the caller's mistake, not a crash."""
    schema = '{"a":' * 300 + "{}" + "}" * 300
    failure = refused(tools=(FunctionTool("f", "", schema),))

    assert ErrorReason.INVALID_REQUEST == failure.reason


@pytest.mark.parametrize(
    ("dialect", "effort", "expected"),
    [
        (OPENAI, Effort.MINIMAL, {"reasoning_effort": "minimal"}),
        (OPENAI, Effort.NONE, {"reasoning_effort": "none"}),
        (COMPATIBLE, Effort.LOW, {"reasoning_effort": "low"}),
        (DEEPSEEK, Effort.HIGH, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        (DEEPSEEK, Effort.NONE, {"thinking": {"type": "disabled"}}),
    ],
)
def test_effort(dialect: Dialect, effort: Effort, expected: Mapping[str, Any]) -> None:
    """How much to think, in each dialect's words."""
    wire = asked(dialect, reasoning=ReasoningWish(effort))

    assert expected == {k: wire[k] for k in ("thinking", "reasoning_effort") if k in wire}


def test_provider_options_come_last() -> None:
    """Options of the family are laid over the body, deeply; those of others stay away."""
    options = {
        "openai": {"stream_options": {"include_obfuscation": False}, "temperature": 2},
        "anthropic": {"x": 1},
    }
    spec = CompletionSpec("m", HELLO, Sampling(temperature=1), provider_options=options)
    wire = body(spec, stream=True)

    assert {"include_usage": True, "include_obfuscation": False} == wire["stream_options"]
    assert 2 == wire["temperature"]
    assert "x" not in wire
    assert {"include_obfuscation": False} == options["openai"]["stream_options"]


def test_cache_hint_changes_nothing() -> None:
    """A cache hint is a hint: these providers cache by themselves, and the bytes stay the same."""
    hinted = CompletionSpec("m", (Message(Role.USER, (Text("hello", cache_ttl_s=60),)),))

    assert body(CompletionSpec("m", HELLO)) == body(hinted)


def test_embeddings() -> None:
    """Inputs keep their order; dimensions are asked for only when wished."""
    request = OpenAI().embedding_request(EmbeddingCall("m", ("a", "b"), 8))

    assert "/embeddings" == request.path
    assert {
        "model": "m",
        "input": ["a", "b"],
        "encoding_format": "float",
        "dimensions": 8,
    } == orjson.loads(request.body)


def test_embeddings_that_a_provider_lacks() -> None:
    """DeepSeek has no embeddings."""
    with pytest.raises(ProviderFailure) as caught:
        OpenAI(DEEPSEEK).embedding_request(EmbeddingCall("m", ("a",)))

    assert ErrorReason.UNSUPPORTED_PARAMETER == caught.value.reason


def test_nobody_counts() -> None:
    """The family has no endpoint that counts: the shell estimates."""
    assert OpenAI().count_request(call(CompletionSpec("m", HELLO))) is None

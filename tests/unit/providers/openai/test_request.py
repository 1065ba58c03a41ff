"""Calls into the bodies that OpenAI, DeepSeek and compatible servers take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from service.domain.completion import (
    CompletionSpec,
    Effort,
    JsonSchemaFormat,
    ReasoningWish,
    Sampling,
    ToolChoice,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, EmbeddingCall, OnUnsupported
from service.domain.reasons import ErrorReason
from service.providers.openai import COMPATIBLE, DEEPSEEK, OPENAI, Dialect, OpenAI
from tests.unit.providers.openai.asking import (
    HELLO,
    WEATHER,
    asked,
    body,
    call,
    refused,
    spec_of,
)


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

"""Whole answers of the family into the domain."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import (
    Completion,
    Ending,
    FinishReason,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall
from service.domain.reasons import ErrorReason
from service.providers.openai import DEEPSEEK, OpenAI


def answer(message: Any, finish_reason: Any = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return orjson.dumps({"id": "r1", "object": "chat.completion", "choices": [choice], **fields})


def completion(message: Any, finish_reason: Any = "stop", **fields: Any) -> Completion:
    return OpenAI().completion(answer(message, finish_reason, **fields))


def refused(body: bytes) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        OpenAI().completion(body)
    return caught.value


def test_whole_answer() -> None:
    """Reasoning, text, and calls come in that order, with everything beside them."""
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "so",
        "refusal": None,
        "tool_calls": calls,
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

    assert Completion(
        (Reasoning("hm"), Text("so"), ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "")),
        Ending(
            FinishReason.TOOL_CALLS,
            "tool_calls",
            Usage(3, 2),
            "r1",
            {"model": "m-1", "system_fingerprint": "fp"},
        ),
    ) == completion(
        message,
        "tool_calls",
        model="m-1",
        usage=usage,
        system_fingerprint="fp",
        service_tier=None,
    )


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_both_names_of_reasoning(field: str) -> None:
    """Servers differ in what they call the reasoning."""
    assert (Reasoning("hm"), Text("so")) == completion({field: "hm", "content": "so"}).parts


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.MAX_TOKENS),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("model_length", FinishReason.CONTEXT_LIMIT),
        ("refusal", FinishReason.REFUSAL),
        ("new_word", FinishReason.OTHER),
    ],
)
def test_finish_reasons(word: str, reason: FinishReason) -> None:
    """Every word has its reason, an unknown one is OTHER, and the word itself is kept."""
    ending = completion({"content": "x"}, word).ending

    assert (reason, word) == (ending.finish_reason, ending.provider_finish_reason)


def test_refusal() -> None:
    """A refusal is a part and a reason, though the provider says `stop`."""
    refusal = completion({"content": None, "refusal": "no"})

    assert (Refusal("no"),) == refusal.parts
    assert FinishReason.REFUSAL is refusal.ending.finish_reason


def test_demanded_call_that_says_stop() -> None:
    """A demanded function's call ends with `stop`; the caller still learns that it must act."""
    calls = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]
    ending = completion({"tool_calls": calls}).ending

    assert (FinishReason.TOOL_CALLS, "stop") == (
        ending.finish_reason,
        ending.provider_finish_reason,
    )


def test_call_without_an_id() -> None:
    """A call that has no id gets one that is the same each time."""
    calls = [{"function": {"name": "f", "arguments": "{}"}}] * 2
    parts = completion({"tool_calls": calls}).parts

    assert (ToolCall("call_r1_0", "f", "{}"), ToolCall("call_r1_1", "f", "{}")) == parts


def test_call_of_a_custom_tool() -> None:
    """A call of a tool that is no function is the provider's own part."""
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}

    assert (ProviderPart("openai", custom),) == completion({"tool_calls": [custom]}).parts


@pytest.mark.parametrize("word", ["insufficient_system_resource", "error", "abort"])
def test_answer_that_the_provider_broke_off(word: str) -> None:
    """An answer that the provider itself broke off is a failure, not an answer."""
    assert ErrorReason.PROVIDER_UNAVAILABLE is refused(answer({"content": "x"}, word)).reason


def test_usage() -> None:
    """Cached, reasoning and audio tokens are parts of the totals."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 10},
        "completion_tokens_details": {
            "reasoning_tokens": 30,
            "audio_tokens": 5,
            "accepted_prediction_tokens": 7,
            "rejected_prediction_tokens": 0,
        },
        "cost": 0.5,
    }
    ending = completion({"content": "x"}, usage=usage).ending

    assert (
        Usage(
            100,
            50,
            cache_read_input_tokens=64,
            reasoning_output_tokens=30,
            audio_input_tokens=10,
            audio_output_tokens=5,
        )
        == ending.usage
    )
    assert {
        "cost": 0.5,
        "completion_tokens_details": {"accepted_prediction_tokens": 7},
    } == ending.metadata["usage"]


def test_usage_in_deepseeks_words() -> None:
    """DeepSeek tells its prompt cache beside the details."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "prompt_cache_hit_tokens": 8,
        "prompt_cache_miss_tokens": 2,
    }
    ending = OpenAI(DEEPSEEK).completion(answer({"content": "x"}, usage=usage)).ending

    assert Usage(10, 1, cache_read_input_tokens=8) == ending.usage
    assert {} == ending.metadata


def test_reasoning_counted_beside_the_answer() -> None:
    """Reasoning is part of the output, even where the provider counts it beside."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 45,
        "completion_tokens_details": {"reasoning_tokens": 30},
    }

    assert (
        Usage(10, 35, reasoning_output_tokens=30)
        == completion({"content": "x"}, usage=usage).ending.usage
    )


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 3}])
def test_unknown_usage(usage: object) -> None:
    """Usage that was not told is None, never 0."""
    assert completion({"content": "x"}, usage=usage).ending.usage is None


def test_metadata() -> None:
    """What the contract has no field for is kept, by where it stood."""
    body = orjson.dumps(
        {
            "id": "r1",
            "choices": [
                {
                    "message": {"content": "x", "annotations": [{"type": "url_citation"}]},
                    "finish_reason": "stop",
                    "stop_reason": 7,
                }
            ],
            "citations": ["https://example.org"],
            "service_tier": "flex",
            "message": "not an object",
        }
    )

    assert {
        "citations": ["https://example.org"],
        "service_tier": "flex",
        "choice": {"stop_reason": 7},
        "message": {"annotations": [{"type": "url_citation"}]},
    } == OpenAI().completion(body).ending.metadata


def test_logprobs() -> None:
    """Tokens keep their alternatives, and their bytes where those are not the text's own."""
    content = [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -2, "bytes": None}],
        },
        {"token": "\\xf0", "logprob": -9999.0, "bytes": [240]},
    ]
    choice = {
        "message": {"content": "x"},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }

    assert (
        TokenLogprob("é", -0.5, top=(TokenLogprob("e", -2.0),)),
        TokenLogprob("\\xf0", -9999.0, b"\xf0"),
    ) == OpenAI().completion(orjson.dumps({"choices": [choice]})).logprobs


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": 5}',
        answer({"content": "x"}, None),
        answer({"content": "x"}, ""),
        answer({"content": "x"}, 5),
        answer({"content": 5}),
        answer({"content": "x", "tool_calls": {}}),
        answer({"tool_calls": [{"function": {"arguments": "{}"}}]}),
        answer({"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}),
        answer("x"),
        answer({"content": "x"}, usage={"prompt_tokens": "3"}),
        answer({"content": "x"}, usage={"prompt_tokens": -3}),
        answer({"content": "x"}, usage={"prompt_tokens": True}),
        answer({"content": "x"}, usage=[1]),
    ],
)
def test_wrong_shapes(body: bytes) -> None:
    """An answer that breaks the format is PROVIDER_RESPONSE_INVALID."""
    assert ErrorReason.PROVIDER_RESPONSE_INVALID is refused(body).reason


def test_error_inside_a_200() -> None:
    """An error that hides in a good status is that error."""
    body = orjson.dumps({"error": {"message": "slow down", "code": 429}})

    assert ErrorReason.PROVIDER_RATE_LIMITED is refused(body).reason


def test_no_prefix_of_an_answer_is_an_answer() -> None:
    """A body cut at any byte is invalid."""
    body = answer({"content": "x" * 20}, usage={"prompt_tokens": 1, "completion_tokens": 1})

    assert {ErrorReason.PROVIDER_RESPONSE_INVALID} == {
        refused(body[:size]).reason for size in range(len(body))
    }


_NAMES = [
    "choices",
    "message",
    "content",
    "finish_reason",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "usage",
    "prompt_tokens",
    "completion_tokens_details",
    "reasoning_tokens",
    "logprobs",
    "token",
    "bytes",
    "top_logprobs",
    "logprob",
    "error",
    "refusal",
    "reasoning",
    "type",
    "index",
    "data",
    "embedding",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_JSON, _JSON, _JSON, _JSON)
def test_any_json_is_an_answer_or_a_failure(
    message: object, logprobs: object, usage: object, anything: object
) -> None:
    """Whatever JSON a provider sends, nothing but ProviderFailure is raised."""
    choice = {"message": message, "finish_reason": "stop", "logprobs": logprobs}
    for body in ({"choices": [choice], "usage": usage}, anything):
        try:
            decoded = OpenAI().completion(orjson.dumps(body))
        except ProviderFailure:
            continue
        assert "stop" == decoded.ending.provider_finish_reason


@given(st.binary(max_size=40))
def test_any_bytes_are_a_failure(body: bytes) -> None:
    """Bytes that are no answer are a failure."""
    assert refused(body).message


def vectors(*rows: Any, **fields: Any) -> Any:
    return OpenAI().embeddings(
        orjson.dumps({"data": list(rows), **fields}), EmbeddingCall("m", ("a", "b"))
    )


def test_embeddings() -> None:
    """Vectors come in the order of the inputs, whatever order the provider sends."""
    embeddings = vectors(
        {"index": 1, "embedding": [2, 0.5]},
        {"index": 0, "embedding": [1.0, 0.5]},
        usage={"prompt_tokens": 4, "total_tokens": 4},
    )

    assert ([1.0, 0.5], [2, 0.5]) == embeddings.vectors
    assert Usage(4) == embeddings.usage


@pytest.mark.parametrize(
    "rows",
    [
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": []}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": ["1"]}, {"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": [1.0]}],
        [1, 2],
    ],
)
def test_wrong_embeddings(rows: list[Any]) -> None:
    """One vector of numbers for each input, or a failure."""
    with pytest.raises(ProviderFailure) as caught:
        vectors(*rows)

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is caught.value.reason

"""Whole answers of the family into the domain."""

from __future__ import annotations

import orjson
import pytest

from service.domain.completion import (
    Completion,
    Ending,
    FinishReason,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from service.domain.reasons import ErrorReason
from tests.unit.providers.openai.answering import answer, completion, refused


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
            provider_model="m-1",
        ),
    ) == completion(
        message,
        "tool_calls",
        model="m-1",
        usage=usage,
        system_fingerprint="fp",
        service_tier=None,
    )


@pytest.mark.parametrize("model", [7, ["m"], None, "m" * 257])
def test_a_model_that_is_no_name(model: object) -> None:
    """It is told as it came, is taken for no name, and spoils no answer."""
    ending = completion({"content": "so"}, model=model).ending

    assert ("", model) == (ending.provider_model, ending.metadata.get("model"))


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

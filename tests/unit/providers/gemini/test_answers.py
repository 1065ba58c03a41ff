"""Answers of the family, whole or streamed, into the domain."""

from __future__ import annotations

import pytest

from service.domain.completion import (
    Ending,
    FinishReason,
    Reasoning,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
)
from service.domain.events import PartDone, ReasoningDelta, TextDelta, ToolCallDelta, fold
from tests.unit.providers.gemini.answering import chunk, completion, ending, events, text

STOP = Ending(FinishReason.STOP, "STOP")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.MAX_TOKENS),
        ("SAFETY", FinishReason.CONTENT_FILTER),
        ("RECITATION", FinishReason.CONTENT_FILTER),
        ("BLOCKLIST", FinishReason.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("SPII", FinishReason.CONTENT_FILTER),
        ("MODEL_ARMOR", FinishReason.CONTENT_FILTER),
        ("IMAGE_SAFETY", FinishReason.CONTENT_FILTER),
        ("IMAGE_PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER),
        ("IMAGE_RECITATION", FinishReason.CONTENT_FILTER),
        ("LANGUAGE", FinishReason.OTHER),
        ("OTHER", FinishReason.OTHER),
        ("MALFORMED_FUNCTION_CALL", FinishReason.OTHER),
        ("UNEXPECTED_TOOL_CALL", FinishReason.OTHER),
        ("TOO_MANY_TOOL_CALLS", FinishReason.OTHER),
        ("NO_IMAGE", FinishReason.OTHER),
        ("SOMETHING_NEW", FinishReason.OTHER),
    ],
)
def test_finish_reasons(word: str, reason: FinishReason) -> None:
    """Each finish reason has its meaning; the provider's own word is kept."""
    ending = completion(chunk({"text": "x"}, finish=word)).ending

    assert (reason, word) == (ending.finish_reason, ending.provider_finish_reason)


def test_text() -> None:
    """Text comes as it is spoken; the ending when the body is over."""
    assert [TextDelta("Hel"), TextDelta("lo"), TextDelta("!"), PartDone(0), STOP] == events(
        *text("Hel", "lo", "!"), chunk({"text": ""}, finish="STOP")
    )


def test_thoughts_and_text_are_parts() -> None:
    """Each turn from thought to text begins a part; a signature ends one."""
    assert [
        ReasoningDelta("a", 0),
        ReasoningDelta("b", 0),
        PartDone(0),
        TextDelta("c", 1),
        PartDone(1, Text("", signature=b"\xff")),
        TextDelta("d", 2),
        PartDone(2),
        PartDone(3, Reasoning(signature=b"\x01")),
        STOP,
    ] == events(
        chunk({"text": "a", "thought": True}),
        chunk({"text": "b", "thought": True}),
        chunk({"text": "c", "thoughtSignature": "/w=="}),
        chunk({"text": "d"}),
        chunk({"text": "", "thought": True, "thoughtSignature": "AQ=="}, finish="STOP"),
    )


def test_calls() -> None:
    """Calls come whole; one without an id gets one from its place in the answer."""
    first = {"functionCall": {"name": "f", "args": {"z": 1, "a": 2}}, "thoughtSignature": "/w=="}
    second = {"functionCall": {"name": "g", "id": "own"}}

    assert [
        TextDelta("x", 0),
        PartDone(0),
        ToolCallDelta(1, "gemini-call-r1-1", "f", '{"z":1,"a":2}'),
        PartDone(1, ToolCall("", "", "", signature=b"\xff")),
        ToolCallDelta(2, "own", "g", "{}"),
        PartDone(2),
        Ending(FinishReason.TOOL_CALLS, "STOP", None, "r1"),
    ] == events(
        {**chunk({"text": "x"}), "responseId": "r1"},
        chunk(first),
        chunk(second),
        chunk(finish="STOP"),
    )


def test_a_limit_outranks_calls() -> None:
    """An answer with calls that a limit cut says so."""
    call = {"functionCall": {"name": "f"}}

    assert (
        FinishReason.MAX_TOKENS is completion(chunk(call, finish="MAX_TOKENS")).ending.finish_reason
    )


def test_what_says_nothing_is_no_part() -> None:
    """Empty parts, absent content and other candidates leave no trace."""
    told = events(
        {"candidates": []},
        chunk({}, {"text": ""}),
        {"candidates": [{"index": 1, "content": {"parts": [{"text": "other"}]}}]},
        {"candidates": [{"finishReason": "STOP"}]},
    )

    assert [STOP] == told


def test_logprobs() -> None:
    """Log probabilities come with their text; what JSON left out is 0."""
    result = {
        "topCandidates": [{"candidates": [{"token": "a"}, {"token": "b", "logProbability": -2}]}],
        "chosenCandidates": [
            {"token": "a", "tokenId": 7},
            {"token": "b", "logProbability": "-Infinity"},
        ],
    }
    told = events(
        chunk({"text": "t", "thought": True}, {"text": "ab"}, logprobsResult=result),
        chunk(finish="STOP", logprobsResult={"chosenCandidates": [{"token": "c"}]}),
    )

    assert (
        TokenLogprob("a", 0.0, top=(TokenLogprob("a", 0.0), TokenLogprob("b", -2.0))),
        TokenLogprob("b", float("-inf")),
        TokenLogprob("c", 0.0),
    ) == fold(told).logprobs


def test_usage_may_follow_the_finish() -> None:
    """The last usage that is told counts, in a chunk of its own too."""
    told = events(
        {**chunk({"text": "a"}), "usageMetadata": {"promptTokenCount": 3}},
        chunk({"text": "b"}, finish="STOP"),
        {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}},
    )

    assert Usage(3, 2) == ending(told).usage


def test_metadata() -> None:
    """What the contract has no field for is kept as it was told last."""
    told = events(
        {**chunk({"text": "a"}), "modelVersion": "m", "new": {"x": 1}},
        {**chunk(finish="STOP", citationMetadata={"c": []}), "modelVersion": "m", "new": {"x": 2}},
    )

    assert {
        "modelVersion": "m",
        "new": {"x": 2},
        "candidate": {"citationMetadata": {"c": []}},
    } == ending(told).metadata

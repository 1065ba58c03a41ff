"""Streamed answers of the family into stream events."""

from __future__ import annotations

from service.domain.completion import (
    Ending,
    FinishReason,
    Refusal,
    Text,
    TokenLogprob,
    Usage,
)
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    TextDelta,
    fold,
)
from service.providers.openai import OpenAI
from service.providers.wire import SseEvent
from tests.unit.providers.openai.answering import (
    USAGE,
    chunk,
    events,
)


def test_text() -> None:
    """Text comes as it is spoken; the ending comes with [DONE], after the usage."""
    assert [
        TextDelta("Hel"),
        TextDelta("lo"),
        TextDelta(" you"),
        PartDone(0),
        Ending(
            FinishReason.STOP, "stop", Usage(3, 2), "r1", {"model": "m-1"}, provider_model="m-1"
        ),
    ] == events(
        {**chunk({"role": "assistant", "content": ""}), "model": "m-1"},
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({"role": "assistant", "content": " you", "reasoning_content": None}),
        chunk({}, "stop"),
        {"id": "r1", "choices": [], "usage": USAGE},
    )


def test_reasoning_then_text() -> None:
    """Parts are numbered in the order of their first word."""
    assert [
        ReasoningDelta("h", 0),
        ReasoningDelta("m", 0),
        TextDelta("so", 1),
        PartDone(0),
        PartDone(1),
        Ending(FinishReason.STOP, "stop", None, "r1"),
    ] == events(
        chunk({"reasoning_content": "h", "content": None}),
        chunk({"reasoning_content": "m", "content": None}),
        chunk({"reasoning_content": None, "content": "so"}),
        chunk({"content": ""}, "stop"),
    )


def test_refusal() -> None:
    """A refusal has no deltas: it comes whole when it is done."""
    assert [
        PartDone(0, Refusal("I can't")),
        Ending(FinishReason.REFUSAL, "stop", None, "r1"),
    ] == events(chunk({"refusal": "I "}), chunk({"refusal": "can't"}), chunk({}, "stop"))


def test_logprobs() -> None:
    """Log probabilities come with their text."""
    told = {"content": [{"token": "x", "logprob": -1.0, "bytes": None, "top_logprobs": []}]}

    assert TextDelta("x", 0, (TokenLogprob("x", -1.0),)) == next(
        iter(events(chunk({"content": "x"}, logprobs=told), done=False))
    )


def test_other_choices_do_not_count() -> None:
    """Only the first choice is the answer."""
    decoded = events(
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1),
        chunk({}, "stop", index=1),
        chunk({"content": "c"}),
        chunk({}, "length"),
    )

    assert (Text("ac"),) == fold(decoded).parts
    assert FinishReason.MAX_TOKENS is fold(decoded).ending.finish_reason


def test_metadata_of_late_chunks() -> None:
    """What only a later chunk tells beyond the contract is kept too."""
    ending = events(
        chunk({"content": "a"}),
        chunk({"content": "b"}),
        {**chunk({"content": "c"}), "citations": ["x"], "obfuscation": "zzz"},
        chunk({"content": "d", "annotations": [1]}),
        chunk({"annotations": [2]}, "stop", stop_reason=7),
    )[-1]

    assert isinstance(ending, Ending)
    assert {
        "citations": ["x"],
        "message": {"annotations": [1, 2]},
        "choice": {"stop_reason": 7},
    } == ending.metadata


def test_empty_event_is_a_sign_of_life() -> None:
    """Some servers keep a stream alive with empty events."""
    assert () == OpenAI().stream_decoder().feed(SseEvent("", b""))

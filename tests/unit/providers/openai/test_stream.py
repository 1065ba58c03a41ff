"""Streamed answers of the family into stream events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import (
    Ending,
    FinishReason,
    ProviderPart,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    fold,
)
from service.domain.reasons import ErrorReason
from service.providers.openai import OpenAI
from service.providers.wire import SseEvent

DONE = SseEvent("", b"[DONE]")
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(delta: Any, finish_reason: Any = None, **choice: Any) -> dict[str, Any]:
    whole = {"index": 0, "delta": delta, "finish_reason": finish_reason, **choice}
    return {"id": "r1", "object": "chat.completion.chunk", "choices": [whole]}


def sse(value: Any) -> SseEvent:
    return SseEvent("", orjson.dumps(value))


def events(*chunks: Any, done: bool = True) -> list[StreamEvent]:
    decoder = OpenAI().stream_decoder()
    decoded = [event for value in chunks for event in decoder.feed(sse(value))]
    return [*decoded, *decoder.feed(DONE)] if done else decoded


def failure(*chunks: Any, done: bool = True) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        events(*chunks, done=done)
    return caught.value


def test_text() -> None:
    """Text comes as it is spoken; the ending comes with [DONE], after the usage."""
    assert [
        TextDelta("Hel"),
        TextDelta("lo"),
        TextDelta(" you"),
        PartDone(0),
        Ending(FinishReason.STOP, "stop", Usage(3, 2), "r1", {"model": "m-1"}),
    ] == events(
        {**chunk({"role": "assistant", "content": ""}), "model": "m-1"},
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({"role": "assistant", "content": " you", "reasoning_content": None}),
        chunk({}, "stop"),
        {"id": "r1", "choices": [], "usage": USAGE},
    )


def test_nothing_ends_before_done() -> None:
    """A finish reason alone is no ending: usage and the terminator are still to come."""
    assert [TextDelta("x")] == events(chunk({"content": "x"}), chunk({}, "stop"), done=False)


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


def call(index: int | None, arguments: str, **first: Any) -> dict[str, Any]:
    function = {"arguments": arguments}
    if "name" in first:
        function["name"] = first.pop("name")
    place = {} if index is None else {"index": index}
    return {**place, **first, "function": function}


def test_parallel_calls_interleaved() -> None:
    """Fragments of parallel calls are told apart by the provider's index."""
    assert [
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(1, "b", "g", "{"),
        ToolCallDelta(0, "", "", '{"x":'),
        ToolCallDelta(1, "", "", "}"),
        ToolCallDelta(0, "", "", "1}"),
        PartDone(0),
        PartDone(1),
        Ending(FinishReason.TOOL_CALLS, "tool_calls", None, "r1"),
    ] == events(
        chunk({"tool_calls": [call(0, "", id="a", type="function", name="f")]}),
        chunk({"tool_calls": [call(1, "{", id="b", type="function", name="g")]}),
        chunk({"tool_calls": [call(0, '{"x":'), call(1, "}")]}),
        chunk({"tool_calls": [call(0, "1}")]}),
        chunk({}, "tool_calls"),
    )


@pytest.mark.parametrize("index", [0, None])
def test_servers_that_number_no_call(index: int | None) -> None:
    """A new id with a name begins a new call, whatever its index."""
    whole = fold(
        events(
            chunk({"tool_calls": [call(index, "{", id="a", name="f")]}),
            chunk({"tool_calls": [call(index, "}")]}),
            chunk({"tool_calls": [call(index, "[]", id="b", name="f")]}),
            chunk({}, "tool_calls"),
        )
    )

    assert (ToolCall("a", "f", "{}"), ToolCall("b", "f", "[]")) == whole.parts


def test_servers_that_repeat_the_head_of_a_call() -> None:
    """The same id again goes on with the same call; a new id without a name does too."""
    whole = fold(
        events(
            chunk({"tool_calls": [call(0, "{", id="a", name="f")]}),
            chunk({"tool_calls": [call(0, "1", id="a", name="f")]}),
            chunk({"tool_calls": [call(0, "}", id="random")]}),
            chunk({}, "stop"),
        )
    )

    assert (ToolCall("a", "f", "{1}"),) == whole.parts
    assert FinishReason.TOOL_CALLS is whole.ending.finish_reason


def test_custom_call() -> None:
    """A call of a tool that is no function comes whole."""
    first = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "sql", "input": ""}}
    more = {"index": 0, "custom": {"input": "select 1"}}
    whole = fold(
        events(chunk({"tool_calls": [first]}), chunk({"tool_calls": [more]}), chunk({}, "stop"))
    )

    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    assert (ProviderPart("openai", custom),) == whole.parts


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


def test_done_without_a_finish_reason() -> None:
    """[DONE] alone does not make an answer whole."""
    assert ErrorReason.PROVIDER_RESPONSE_INVALID is failure(chunk({"content": "x"})).reason


def test_answer_broken_off() -> None:
    """An answer that the provider broke off is a failure with what it cost."""
    broken = failure(
        chunk({"content": "x"}, "insufficient_system_resource"), {"choices": [], "usage": USAGE}
    )

    assert (ErrorReason.PROVIDER_UNAVAILABLE, Usage(3, 2)) == (broken.reason, broken.usage)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"error": {"message": "no", "code": 429}}, ErrorReason.PROVIDER_RATE_LIMITED),
        ({"error": {"type": "server_error"}}, ErrorReason.PROVIDER_UNAVAILABLE),
        (
            {"error": {"code": "context_length_exceeded"}, "choices": []},
            ErrorReason.CONTEXT_WINDOW_EXCEEDED,
        ),
        ({"object": "error", "message": "no", "code": 400}, ErrorReason.INVALID_REQUEST),
        ({"error": "oops"}, ErrorReason.PROVIDER_UNAVAILABLE),
    ],
)
def test_error_inside_a_stream(error: object, reason: ErrorReason) -> None:
    """An error in the stream is that error, not a malformed event."""
    assert reason is failure(chunk({"content": "x"}), error).reason


def test_error_by_the_events_name() -> None:
    """An event named `error` is one, whatever its body looks like."""
    with pytest.raises(ProviderFailure) as caught:
        OpenAI().stream_decoder().feed(SseEvent("error", b'{"message": "no", "code": "529"}'))

    assert (ErrorReason.PROVIDER_UNAVAILABLE, 529) == (
        caught.value.reason,
        caught.value.http_status,
    )


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"5",
        b"[]",
        b'{"choices": 5}',
        b'{"choices": [5]}',
        b'{"choices": [{"delta": 5}]}',
        b'{"choices": [{"delta": {"content": 5}}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": "0"}]}}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}',
        b'{"choices": [{"delta": {}, "finish_reason": 5}]}',
        b"\xff",
    ],
)
def test_malformed_events(bad: bytes) -> None:
    """An event that breaks the format is PROVIDER_RESPONSE_INVALID."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"})))

    with pytest.raises(ProviderFailure) as caught:
        decoder.feed(SseEvent("", bad))

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is caught.value.reason


def test_empty_event_is_a_sign_of_life() -> None:
    """Some servers keep a stream alive with empty events."""
    assert () == OpenAI().stream_decoder().feed(SseEvent("", b""))


def test_close_of_a_framed_body() -> None:
    """Without [DONE] an answer is whole if its finish reason came and its framing is intact."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"}, "stop")))

    assert [PartDone(0), Ending(FinishReason.STOP, "stop", None, "r1")] == list(
        decoder.close(framed=True)
    )
    assert () == decoder.close(framed=True)


@pytest.mark.parametrize(
    ("finish_reason", "framed"), [("stop", False), (None, True), (None, False)]
)
def test_close_of_a_cut_body(finish_reason: str | None, *, framed: bool) -> None:
    """A body that may have been cut never ends clean."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"}, finish_reason)))

    with pytest.raises(ProviderFailure) as caught:
        decoder.close(framed=framed)

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is caught.value.reason


def test_second_terminator_says_nothing() -> None:
    """What follows the ending is not part of the answer."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"}, "stop")))
    decoder.feed(DONE)

    assert () == decoder.feed(DONE)
    assert () == decoder.feed(sse(chunk({"content": "x"})))


_texts = st.text(max_size=12)
_messages = st.fixed_dictionaries(
    {},
    optional={
        "reasoning_content": _texts,
        "content": _texts,
        "refusal": _texts,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.uuids().map(str),
                    "type": st.just("function"),
                    "function": st.fixed_dictionaries(
                        {"name": st.sampled_from(["f", "g"]), "arguments": _texts}
                    ),
                }
            ),
            max_size=3,
        ),
    },
)


def _spoken(message: dict[str, Any], size: int) -> Sequence[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for name in ("reasoning_content", "content", "refusal"):
        said = message.get(name, "")
        deltas.extend({name: said[at : at + size]} for at in range(0, len(said), size))
    for index, whole in enumerate(message.get("tool_calls", [])):
        arguments = whole["function"]["arguments"]
        head = {**whole, "function": {**whole["function"], "arguments": ""}}
        deltas.append({"tool_calls": [{"index": index, **head}]})
        deltas.extend(
            {"tool_calls": [call(index, arguments[at : at + size])]}
            for at in range(0, len(arguments), size)
        )
    return deltas


@given(_messages, st.integers(1, 5), st.sampled_from(["stop", "length", "tool_calls", "odd"]))
def test_stream_folds_into_the_whole_answer(
    message: dict[str, Any], size: int, finish_reason: str
) -> None:
    """The same answer, streamed or whole, is the same completion."""
    beside = {"model": "m-1", "system_fingerprint": "fp"}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    whole = orjson.dumps({"id": "r1", "choices": [choice], "usage": USAGE, **beside})
    chunks = [{**chunk(delta), **beside} for delta in _spoken(message, size)]

    assert OpenAI().completion(whole) == fold(
        events(*chunks, chunk({}, finish_reason), {"choices": [], "usage": USAGE})
    )


_NAMES = [
    "choices",
    "delta",
    "content",
    "finish_reason",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "usage",
    "type",
    "custom",
    "input",
    "prompt_tokens",
    "logprobs",
    "token",
    "bytes",
    "logprob",
    "error",
    "refusal",
    "reasoning",
    "index",
    "object",
    "message",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.lists(_JSON | _JSON.map(chunk) | st.binary(max_size=20), max_size=6), framed=st.booleans()
)
def test_any_stream_is_an_answer_or_a_failure(chunks: list[Any], *, framed: bool) -> None:
    """Whatever a provider streams, nothing but ProviderFailure is raised."""
    decoder = OpenAI().stream_decoder()
    decoded: list[StreamEvent] = []
    try:
        for value in [chunk({"content": "x"}), *chunks, chunk({}, "stop")]:
            data = value if isinstance(value, bytes) else orjson.dumps(value)
            decoded.extend(decoder.feed(SseEvent("", data)))
        decoded.extend(decoder.close(framed=framed))
    except ProviderFailure:
        return

    assert isinstance(decoded[-1], Ending)
    assert fold(decoded).ending == decoded[-1]

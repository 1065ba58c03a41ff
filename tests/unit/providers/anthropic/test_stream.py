"""Streamed answers of the family into stream events."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import (
    Ending,
    FinishReason,
    ProviderPart,
    Reasoning,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    fold,
)
from service.domain.reasons import ErrorReason as Reason
from service.providers.anthropic import Anthropic
from service.providers.wire import SseEvent
from tests.unit.providers.anthropic.answering import (
    TEXT,
    answer,
    block,
    broken,
    end,
    events,
    golden_events,
    said,
    sse,
    start,
)

CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
STOP = Ending(FinishReason.STOP, "end_turn", Usage(3, 2), "msg_1")


def json_delta(fragment: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": fragment}


def test_text() -> None:
    """Text comes as it is spoken, the ending with message_stop."""
    assert [TextDelta("Hel"), TextDelta("lo"), PartDone(0), STOP] == events(
        start(), *said("Hel", "", "lo"), *end()
    )


def test_reasoning() -> None:
    """A signature comes when its thought is done."""
    deltas = (
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "sig"},
    )

    assert [
        ReasoningDelta("hm", 0),
        PartDone(0, Reasoning(signature=b"sig")),
        PartDone(1, Reasoning(signature=b"only")),
        PartDone(2, Reasoning(encrypted=b"data")),
        STOP,
    ] == events(
        start(),
        *block(0, THINKING, *deltas),
        *block(1, THINKING, {"type": "signature_delta", "signature": "only"}),
        *block(2, {"type": "redacted_thinking", "data": "data"}),
        *end(),
    )


def test_interleaved_calls() -> None:
    """Calls may be spoken at once: each fragment names its part."""
    (begin, one, done), (begin2, two, done2) = (
        block(number, {**CALL, "id": f"t{number}"}, json_delta('{"a":1}')) for number in (0, 1)
    )
    told = events(start(), begin, begin2, two, one, done2, done, *end("tool_use"))

    assert [
        ToolCallDelta(0, "t0", "f"),
        ToolCallDelta(1, "t1", "f"),
        ToolCallDelta(1, arguments_json_fragment='{"a":1}'),
        ToolCallDelta(0, arguments_json_fragment='{"a":1}'),
        PartDone(1),
        PartDone(0),
    ] == told[:-1]


@pytest.mark.parametrize(
    ("content", "fragments", "expected"),
    [
        (CALL, (), "{}"),
        (CALL, ("", ""), "{}"),
        ({**CALL, "input": {"a": 1}}, (), '{"a":1}'),
        (CALL, ('{"a', '": "b"}'), '{"a": "b"}'),
        (CALL, ('{"cut": "by the li',), '{"cut": "by the li'),
    ],
)
def test_arguments(content: Any, fragments: tuple[str, ...], expected: str) -> None:
    """Arguments are what was spoken, or what stood at the start, or an empty object."""
    told = events(start(), *block(0, content, *map(json_delta, fragments)), *end("max_tokens"))

    assert expected == fold(told).parts[0].arguments_json  # type: ignore[union-attr] - a call


def test_input_of_the_providers_own_tools() -> None:
    """A block that is kept whole is whole when it is done, even one that a limit cut."""
    own = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    told = events(
        start(),
        *block(0, own, json_delta('{"q":'), json_delta("1}")),
        *block(1, own, json_delta('{"q":')),
        *end(),
    )

    assert (
        ProviderPart("anthropic", {**own, "input": {"q": 1}}),
        ProviderPart("anthropic", {**own, "partial_json": '{"q":'}),
    ) == fold(told).parts


def test_deltas_that_came_later() -> None:
    """An unknown delta grows a block that is kept whole, and is ignored elsewhere."""
    compaction = {"type": "compaction", "content": "a"}
    told = events(
        start(),
        *block(0, compaction, {"type": "compaction_delta", "content": "b", "n": 1}),
        *block(
            1, TEXT, {"type": "sparkle_delta", "text": "x"}, {"type": "text_delta", "text": "y"}
        ),
        *end(),
    )

    whole = {"type": "compaction", "content": "ab", "n": 1}
    assert [PartDone(0, ProviderPart("anthropic", whole)), TextDelta("y", 1)] == told[:2]


def test_unknown_events_are_ignored() -> None:
    """The API adds events; a client lets them pass."""
    assert STOP == events({"type": "ping"}, start(), {"type": "news", "x": 1}, *end())[-1]


def test_usage_is_the_last_that_was_told() -> None:
    """Counts are cumulative; a later one that says nothing takes nothing back."""
    told = events(
        start(usage={"input_tokens": 7, "output_tokens": 1, "cache_read_input_tokens": 4}),
        *said("x"),
        *end(output_tokens=9, input_tokens=0, cache_read_input_tokens=None),
    )

    assert Usage(11, 9, 4) == told[-1].usage  # type: ignore[union-attr] - the Ending


def test_usage_may_be_missing() -> None:
    """Usage that is not told is None, not zero."""
    told = events(start(usage=None), *said("x"), *end())

    assert None is told[-1].usage  # type: ignore[union-attr] - the Ending


def test_nothing_follows_the_end() -> None:
    """A terminator that is repeated says nothing, and neither does the end of the body."""
    told = events(start(), *said("x"), *end(), *end(), closed=True)

    assert 1 == sum(isinstance(event, Ending) for event in told)


def test_without_its_terminator() -> None:
    """A stop reason and intact framing are enough, and each alone is not."""
    whole = (start(), *said("x"), *end()[:1])

    assert STOP == events(*whole, closed=True)[-1]
    assert Reason.PROVIDER_RESPONSE_INVALID is broken(*whole, closed=False).reason
    assert Reason.PROVIDER_RESPONSE_INVALID is broken(start(), *said("x"), closed=True).reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, Reason.PROVIDER_UNAVAILABLE),
        ({"type": "rate_limit_error", "message": "slow"}, Reason.PROVIDER_RATE_LIMITED),
        ({"type": "api_error", "message": "oops"}, Reason.PROVIDER_UNAVAILABLE),
        (
            {"type": "invalid_request_error", "message": "prompt is too long: 9 > 1"},
            Reason.CONTEXT_WINDOW_EXCEEDED,
        ),
        ({"type": ["new"], "message": {"a": 1}}, Reason.PROVIDER_UNAVAILABLE),
        (None, Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_errors_inside_the_stream(error: Any, reason: Reason) -> None:
    """An error event is the failure that it names."""
    assert reason is broken(start(), *said("x"), {"type": "error", "error": error}).reason


@pytest.mark.parametrize("data", [b"upstream timed out", b'{"error":{"message":"gone"}}'])
def test_errors_by_name_alone(data: bytes) -> None:
    """A gateway may mark an error by the event's name and write what it likes."""
    with pytest.raises(ProviderFailure) as caught:
        Anthropic().stream_decoder().feed(SseEvent("error", data))

    assert Reason.PROVIDER_UNAVAILABLE is caught.value.reason


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        5,
        {"type": ["x"]},
        {"type": "message_start"},
        {"type": "message_start", "message": []},
        {"type": "message_delta", "delta": {"stop_reason": 1}},
        {"type": "message_delta", "delta": {}, "usage": [1]},
        {"type": "message_stop"},
        {"type": "content_block_stop", "index": 3},
        {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": {}, "delta": {}},
        {"type": "content_block_start", "index": 0, "content_block": TEXT},
        {"type": "content_block_start", "index": [], "content_block": TEXT},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": 1}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 1}},
        {"type": "content_block_delta", "index": 0, "delta": json_delta("{}")},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "x"},
        },
    ],
)
def test_wrong_shapes(told: Any) -> None:
    """An event that does not fit is a failure, never a wrong answer."""
    begun = {"type": "content_block_start", "index": 0, "content_block": TEXT}
    failure = broken(start(), begun, told)

    assert Reason.PROVIDER_RESPONSE_INVALID is failure.reason
    assert len(failure.message) < 300


def test_a_block_that_never_ends() -> None:
    """An answer cannot end inside of a block."""
    begun = {"type": "content_block_start", "index": 0, "content_block": TEXT}

    assert Reason.PROVIDER_RESPONSE_INVALID is broken(start(), begun, *end()).reason


BLOCKS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=20)}),
        st.fixed_dictionaries(
            {
                "type": st.just("thinking"),
                "thinking": st.text(max_size=20),
                "signature": st.text(max_size=5),
            }
        ),
        st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": st.text(min_size=1)}),
        st.fixed_dictionaries(
            {
                "type": st.just("tool_use"),
                "id": st.just("t1"),
                "name": st.text(min_size=1, max_size=5),
                "input": st.dictionaries(
                    st.text(max_size=5), st.integers(-(2**53), 2**53) | st.text()
                ),
            }
        ),
    ),
    max_size=5,
)


def streamed(index: int, whole: Any, cut: int) -> list[dict[str, Any]]:
    def halves(name: str, kind: str, field: str, text: str) -> list[dict[str, Any]]:
        deltas = [{"type": kind, field: half} for half in (text[:cut], text[cut:])]
        return block(index, {**whole, name: {} if name == "input" else ""}, *deltas)

    match whole["type"]:
        case "text":
            return halves("text", "text_delta", "text", whole["text"])
        case "thinking":
            told = halves("thinking", "thinking_delta", "thinking", whole["thinking"])
            told[0]["content_block"]["signature"] = ""
            proof = {"type": "signature_delta", "signature": whole["signature"]}
            if whole["signature"]:
                told.insert(-1, {"type": "content_block_delta", "index": index, "delta": proof})
            return told
        case "tool_use":
            written = orjson.dumps(whole["input"]).decode()
            return halves("input", "input_json_delta", "partial_json", written)
        case _:
            return block(index, whole)


@given(BLOCKS, st.integers(0, 20))
def test_a_stream_folds_into_the_whole_answer(blocks: list[Any], cut: int) -> None:
    """The same answer, whole or streamed, is the same value."""
    told = [one for index, whole in enumerate(blocks) for one in streamed(index, whole, cut)]

    assert Anthropic().completion(answer(*blocks)) == fold(events(start(), *told, *end()))


@given(st.data())
def test_any_damage(data: st.DataObject) -> None:
    """Whatever bytes arrive, wherever, it is an answer or a ProviderFailure."""
    told = list(golden_events("tools"))
    place = data.draw(st.integers(0, len(told) - 1))
    text = told[place].data
    cut = data.draw(st.integers(0, len(text)))
    told[place] = SseEvent("", text[:cut] + data.draw(st.binary(max_size=9)) + text[cut + 1 :])
    decoder = Anthropic().stream_decoder()
    with suppress(ProviderFailure):
        for one in told:
            decoder.feed(one)
        decoder.close(framed=False)


@given(st.lists(st.sampled_from([sse(one) for one in (start(), *said("x"), *end())]), max_size=9))
def test_any_order(told: list[SseEvent]) -> None:
    """Events in any order are an answer with one ending at its end, or a ProviderFailure."""
    decoder = Anthropic().stream_decoder()
    found: list[Any] = []
    try:
        for one in told:
            found.extend(decoder.feed(one))
        found.extend(decoder.close(framed=True))
    except ProviderFailure:
        return

    assert [True] == [isinstance(event, Ending) for event in found if isinstance(event, Ending)]
    assert isinstance(found[-1], Ending)

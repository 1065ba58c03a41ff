"""Streamed answers of the family into stream events."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.completion import (
    Ending,
    FinishReason,
    ProviderPart,
    Reasoning,
    ToolCall,
    Usage,
)
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    fold,
)
from service.domain.reasons import ErrorReason as Reason
from tests.unit.providers.anthropic.answering import (
    TEXT,
    block,
    broken,
    end,
    ending,
    events,
    json_delta,
    said,
    start,
)

CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
STOP = Ending(FinishReason.STOP, "end_turn", Usage(3, 2), "msg_1")


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

    assert (ToolCall("t1", "f", expected),) == fold(told).parts


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

    assert Usage(11, 9, 4) == ending(told).usage


def test_usage_may_be_missing() -> None:
    """Usage that is not told is None, not zero."""
    told = events(start(usage=None), *said("x"), *end())

    assert None is ending(told).usage


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

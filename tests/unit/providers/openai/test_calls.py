"""Streamed tool calls."""

from __future__ import annotations

import pytest

from service.domain.completion import (
    Ending,
    FinishReason,
    ProviderPart,
    ToolCall,
)
from service.domain.events import (
    PartDone,
    ToolCallDelta,
    fold,
)
from tests.unit.providers.openai.answering import (
    chunk,
    events,
    fragment,
)


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
        chunk({"tool_calls": [fragment(0, "", id="a", type="function", name="f")]}),
        chunk({"tool_calls": [fragment(1, "{", id="b", type="function", name="g")]}),
        chunk({"tool_calls": [fragment(0, '{"x":'), fragment(1, "}")]}),
        chunk({"tool_calls": [fragment(0, "1}")]}),
        chunk({}, "tool_calls"),
    )


@pytest.mark.parametrize("index", [0, None])
def test_servers_that_number_no_call(index: int | None) -> None:
    """A new id with a name begins a new call, whatever its index."""
    whole = fold(
        events(
            chunk({"tool_calls": [fragment(index, "{", id="a", name="f")]}),
            chunk({"tool_calls": [fragment(index, "}")]}),
            chunk({"tool_calls": [fragment(index, "[]", id="b", name="f")]}),
            chunk({}, "tool_calls"),
        )
    )

    assert (ToolCall("a", "f", "{}"), ToolCall("b", "f", "[]")) == whole.parts


def test_servers_that_repeat_the_head_of_a_call() -> None:
    """The same id again goes on with the same call; a new id without a name does too."""
    whole = fold(
        events(
            chunk({"tool_calls": [fragment(0, "{", id="a", name="f")]}),
            chunk({"tool_calls": [fragment(0, "1", id="a", name="f")]}),
            chunk({"tool_calls": [fragment(0, "}", id="random")]}),
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

"""Events of a streamed answer of Anthropic into stream events. The hot path of every stream.

An answer is whole at `message_stop`. Event types and blocks that are unknown are ignored or kept,
as the API's own versioning rules ask of clients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from service.domain.completion import JsonObject, ProviderPart, Reasoning
from service.domain.events import (
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from service.providers.anthropic.block import Block
from service.providers.anthropic.failure import failure, reported
from service.providers.anthropic.response import NAME, SHAPE_ERRORS, ending, misshapen, text
from service.providers.shape import ShapeError, record
from service.providers.wire import SseEvent, invalid_answer

_Events = Sequence[StreamEvent]


class EventDecoder:
    """See `service/providers/wire.py`: StreamDecoder."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._stop_reason: str | None = None
        self._open: dict[int, Block] = {}
        self._part_count = 0
        self._extras: dict[str, JsonObject] = {}
        self._over = False
        self._by_type: dict[str, Callable[[dict[str, Any]], _Events]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._start,
            "content_block_stop": self._stop,
            "message_start": self._begin,
            "message_delta": self._message_delta,
            "message_stop": self._finish,
            "error": self._error,
        }

    def feed(self, event: SseEvent) -> _Events:
        if self._over:
            return ()
        try:
            told = orjson.loads(event.data)
            handle = self._by_type.get(told["type"])
            return handle(told) if handle is not None else ()
        except SHAPE_ERRORS as error:
            if event.name == "error":
                # A gateway's own error, marked by the event's name alone.
                raise failure(0, event.data) from None
            raise misshapen("an event", error) from None

    def close(self, *, framed: bool) -> _Events:
        if self._over:
            return ()
        if self._stop_reason is None or not framed:
            raise invalid_answer(NAME, "its stream stopped before message_stop")
        try:
            return self._finish({})
        except SHAPE_ERRORS as error:
            raise misshapen("its ending", error) from None

    def _begin(self, told: dict[str, Any]) -> _Events:
        self._message = dict(record(told["message"], "message"))
        self._usage = dict(record(self._message.get("usage"), "usage"))
        return ()

    def _start(self, told: dict[str, Any]) -> _Events:
        index = told["index"]
        if index in self._open:
            raise ShapeError("a block begins twice")
        block = Block(self._part_count, record(told["content_block"], "content_block"))
        self._open[index] = block
        self._part_count += 1
        return block.begun()

    def _delta(self, told: dict[str, Any]) -> _Events:
        block = self._open[told["index"]]
        delta = told["delta"]
        return _DELTAS.get(delta["type"], _other)(block, delta)

    def _stop(self, told: dict[str, Any]) -> _Events:
        block = self._open.pop(told["index"])
        events = block.done()
        if block.extra:
            self._extras[str(block.index)] = block.extra
        return events

    def _message_delta(self, told: dict[str, Any]) -> _Events:
        delta = dict(record(told["delta"], "delta"))
        stop_reason = delta.pop("stop_reason", None)
        if stop_reason is not None:
            self._stop_reason = text(stop_reason)
        self._message.update(delta)
        # Counts are cumulative: one that says nothing does not take back what was said.
        for name, value in record(told.get("usage"), "usage").items():
            if value or name not in self._usage:
                self._usage[name] = value
        return ()

    def _finish(self, _told: dict[str, Any]) -> _Events:
        if self._stop_reason is None:
            raise invalid_answer(NAME, "its stream ended without a stop reason")
        if self._open:
            raise invalid_answer(NAME, "its stream ended inside a content block")
        last = ending(self._message, self._stop_reason, self._usage, self._extras)
        self._over = True
        return (last,)

    def _error(self, told: dict[str, Any]) -> _Events:
        raise reported(told.get("error"))


def _said(block: Block, delta: dict[str, Any]) -> _Events:
    said = delta["text"]
    if block.kind != "text" or type(said) is not str:
        raise ShapeError("a text_delta fits no text")
    return (TextDelta(said, block.index),) if said else ()


def _thought(block: Block, delta: dict[str, Any]) -> _Events:
    thought = delta["thinking"]
    if block.kind != "thinking" or type(thought) is not str:
        raise ShapeError("a thinking_delta fits no thinking")
    return (ReasoningDelta(thought, block.index),) if thought else ()


def _argued(block: Block, delta: dict[str, Any]) -> _Events:
    fragment = text(delta["partial_json"])
    if not fragment:
        return ()
    if block.kind == "tool_use":
        block.spoken = True
        return (ToolCallDelta(block.index, arguments_json_fragment=fragment),)
    if not isinstance(block.rest, ProviderPart):
        raise ShapeError("an input_json_delta fits no call")
    block.fragments.append(fragment)
    return ()


def _signed(block: Block, delta: dict[str, Any]) -> _Events:
    if block.kind != "thinking":
        raise ShapeError("a signature_delta fits no thinking")
    block.rest = Reasoning(signature=text(delta["signature"]).encode())
    return ()


def _cited(block: Block, delta: dict[str, Any]) -> _Events:
    block.extra.setdefault("citations", []).append(delta["citation"])
    return ()


def _other(block: Block, delta: dict[str, Any]) -> _Events:
    """Deltas that came after this was written. They grow a block that is kept whole."""
    if isinstance(block.rest, ProviderPart):
        value = dict(block.rest.value)
        for name, more in delta.items():
            known = value.get(name)
            if name != "type":
                both = isinstance(known, str) and isinstance(more, str)
                value[name] = f"{known}{more}" if both else more
        block.rest = ProviderPart(NAME, value)
    return ()


_DELTAS: dict[str, Callable[[Block, dict[str, Any]], _Events]] = {
    "text_delta": _said,
    "thinking_delta": _thought,
    "input_json_delta": _argued,
    "signature_delta": _signed,
    "citations_delta": _cited,
}

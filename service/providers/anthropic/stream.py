"""Events of a streamed answer of Anthropic into stream events.

An answer is whole at `message_stop`. Event types and blocks that are unknown are ignored or kept,
as the API's own versioning rules ask of clients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from service.domain.completion import Part, ProviderPart, Reasoning
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from service.providers.anthropic.failure import reported
from service.providers.anthropic.response import NAME, SHAPE_ERRORS, ending, part, text
from service.providers.wire import SseEvent, invalid_answer


class _Block:
    """A content block that is being spoken. `rest` is what its deltas do not carry."""

    def __init__(self, index: int, kind: str, rest: Part | None) -> None:
        self.index = index
        self.kind = kind
        self.rest = rest
        self.json = ""


class EventDecoder:
    """See `service/providers/wire.py`: StreamDecoder."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._stop_reason: str | None = None
        self._blocks: dict[int, _Block] = {}
        self._part_count = 0
        self._by_type: dict[str, Callable[[Any], Sequence[StreamEvent]]] = {
            "content_block_delta": self._delta,
            "content_block_start": self._start,
            "content_block_stop": self._stop,
            "message_start": self._begin,
            "message_delta": self._message_delta,
            "message_stop": self._finish,
            "error": self._error,
        }

    def feed(self, event: SseEvent) -> Sequence[StreamEvent]:
        try:
            told = orjson.loads(event.data)
            handle = self._by_type.get(told["type"])
            return handle(told) if handle is not None else ()
        except SHAPE_ERRORS as error:
            raise invalid_answer(NAME, f"an event has a wrong shape ({error!r})") from error

    def close(self, *, framed: bool) -> Sequence[StreamEvent]:
        if self._stop_reason is None or not framed:
            raise invalid_answer(NAME, "its stream stopped before message_stop")
        return self._finish(None)

    def _begin(self, told: Any) -> Sequence[StreamEvent]:
        self._message = dict(told["message"])
        self._usage = dict(self._message.get("usage") or {})
        return ()

    def _start(self, told: Any) -> Sequence[StreamEvent]:
        content = told["content_block"]
        kind = text(content["type"])
        block = _Block(self._part_count, kind, None)
        self._part_count += 1
        self._blocks[told["index"]] = block
        match kind:
            case "text":
                said = text(content.get("text") or "")
                return (TextDelta(said, block.index),) if said else ()
            case "thinking":
                thought = text(content.get("thinking") or "")
                return (ReasoningDelta(thought, block.index),) if thought else ()
            case "tool_use":
                call = ToolCallDelta(block.index, text(content["id"]), text(content["name"]))
                if content.get("input"):
                    block.json = orjson.dumps(content["input"]).decode()
                    call = replace(call, arguments_json_fragment=block.json)
                return (call,)
            case _:
                block.rest = part(content)
                return ()

    def _delta(self, told: Any) -> Sequence[StreamEvent]:
        block = self._blocks[told["index"]]
        delta = told["delta"]
        match delta["type"]:
            case "text_delta":
                return (TextDelta(text(delta["text"]), block.index),)
            case "thinking_delta":
                return (ReasoningDelta(text(delta["thinking"]), block.index),)
            case "input_json_delta":
                fragment = text(delta["partial_json"])
                block.json += fragment
                if block.kind != "tool_use" or not fragment:
                    return ()
                return (ToolCallDelta(block.index, arguments_json_fragment=fragment),)
            case "signature_delta":
                block.rest = Reasoning(signature=text(delta["signature"]).encode())
            case _:
                pass
        return ()

    def _stop(self, told: Any) -> Sequence[StreamEvent]:
        block = self._blocks.pop(told["index"])
        if block.kind == "tool_use":
            if not block.json:
                empty = ToolCallDelta(block.index, arguments_json_fragment="{}")
                return (empty, PartDone(block.index))
            orjson.loads(block.json)
        elif block.json and isinstance(block.rest, ProviderPart):
            block.rest = ProviderPart(NAME, {**block.rest.value, "input": orjson.loads(block.json)})
        return (PartDone(block.index, block.rest),)

    def _message_delta(self, told: Any) -> Sequence[StreamEvent]:
        delta = dict(told["delta"])
        stop_reason = delta.pop("stop_reason", None)
        if stop_reason is not None:
            self._stop_reason = text(stop_reason)
        self._message.update(delta)
        for name, value in (told.get("usage") or {}).items():
            if value is not None:
                self._usage[name] = value
        return ()

    def _finish(self, _told: Any) -> Sequence[StreamEvent]:
        if self._stop_reason is None:
            raise invalid_answer(NAME, "its stream ended without a stop reason")
        if self._blocks:
            raise invalid_answer(NAME, "its stream ended inside a content block")
        return (ending(self._message, self._stop_reason, self._usage),)

    def _error(self, told: Any) -> Sequence[StreamEvent]:
        raise reported(told.get("error"))

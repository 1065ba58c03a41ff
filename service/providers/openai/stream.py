"""Chunks of a streamed answer into stream events. The hot path of every stream.

An answer is whole when a finish reason was seen and then `[DONE]`, or, for servers that send no
`[DONE]`, when the body's own framing says that it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.completion import Refusal
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from service.providers.openai.failure import reported
from service.providers.openai.response import (
    KNOWN_FIELDS,
    SHAPE_ERRORS,
    ending,
    logprobs,
    text,
)
from service.providers.wire import SseEvent, invalid_answer

_DONE = b"[DONE]"
_TEXT = "text"
_REASONING = "reasoning"
_REFUSAL = "refusal"


class ChunkDecoder:
    """See `service/providers/wire.py`: StreamDecoder."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        # Part indices by what they are: a word above, or a tool call's index.
        self._parts: dict[str | int, int] = {}
        self._finish_reason: str | None = None
        self._usage: Any = None
        self._id = ""
        self._metadata: dict[str, Any] = {}
        self._refusal = ""

    def feed(self, event: SseEvent) -> Sequence[StreamEvent]:
        data = event.data
        if data == _DONE:
            return self._finish()
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise invalid_answer(self._provider, f"an event is not JSON ({error})") from None
        return self.feed_chunk(chunk)

    def feed_chunk(self, chunk: Any) -> Sequence[StreamEvent]:
        """As `feed`, from parsed JSON."""
        try:
            return self._events(chunk)
        except SHAPE_ERRORS as error:
            raise invalid_answer(
                self._provider, f"an event has a wrong shape ({error!r})"
            ) from error

    def close(self, *, framed: bool) -> Sequence[StreamEvent]:
        if self._finish_reason is None:
            raise invalid_answer(self._provider, "its stream stopped before the answer was over")
        if not framed:
            raise invalid_answer(self._provider, "its stream stopped before [DONE]")
        return self._finish()

    def _events(self, chunk: Any) -> Sequence[StreamEvent]:
        extra = chunk.keys() - KNOWN_FIELDS
        if extra:
            for name in sorted(extra):
                if chunk[name] is not None:
                    self._metadata[name] = chunk[name]
        if chunk.get("error"):
            raise reported(self._provider, chunk["error"])
        if not self._id:
            self._id = text(chunk.get("id") or "")
        if chunk.get("usage"):
            self._usage = chunk["usage"]
        events: list[StreamEvent] = []
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            self._delta(choice, events)
            finish_reason = choice.get("finish_reason")
            if finish_reason is not None:
                self._finish_reason = text(finish_reason)
        return events

    def _delta(self, choice: Any, events: list[StreamEvent]) -> None:
        delta = choice.get("delta") or {}
        content = delta.get("content")
        if content:
            tokens = logprobs(choice.get("logprobs"))
            events.append(TextDelta(text(content), self._index(_TEXT), tokens))
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought:
            events.append(ReasoningDelta(text(thought), self._index(_REASONING)))
        refusal = delta.get("refusal")
        if refusal:
            self._index(_REFUSAL)
            self._refusal += text(refusal)
        for call in delta.get("tool_calls") or ():
            events.append(self._tool_call(call))  # noqa: PERF401 - it also numbers the parts

    def _tool_call(self, call: Any) -> ToolCallDelta:
        key = call.get("index", 0)
        if not isinstance(key, int):
            raise TypeError("a tool call's index is not a number")
        function = call.get("function") or {}
        fragment = text(function.get("arguments") or "")
        if key in self._parts:
            return ToolCallDelta(self._parts[key], arguments_json_fragment=fragment)
        return ToolCallDelta(self._index(key), text(call["id"]), text(function["name"]), fragment)

    def _index(self, key: str | int) -> int:
        return self._parts.setdefault(key, len(self._parts))

    def _finish(self) -> Sequence[StreamEvent]:
        if self._finish_reason is None:
            raise invalid_answer(self._provider, "its stream ended without a finish reason")
        events: list[StreamEvent] = [
            PartDone(index, Refusal(self._refusal) if key == _REFUSAL else None)
            for key, index in self._parts.items()
        ]
        try:
            last = ending(
                self._provider,
                self._finish_reason,
                self._usage,
                self._id,
                self._metadata,
                refused=bool(self._refusal),
            )
        except SHAPE_ERRORS as error:
            raise invalid_answer(
                self._provider, f"its usage has a wrong shape ({error})"
            ) from error
        return [*events, last]

"""Chunks of an answer of Gemini into stream events; a whole answer is one chunk.

There is no terminator: an answer is whole when a finish reason was seen and the body then ended
as its own framing promised.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.completion import (
    Blob,
    Completion,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
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
from service.providers.gemini.failure import reported
from service.providers.gemini.response import (
    KNOWN_CANDIDATE_FIELDS,
    KNOWN_FIELDS,
    NAME,
    OWN_ID_PREFIX,
    SHAPE_ERRORS,
    ending,
    logprobs,
    text,
)
from service.providers.wire import SseEvent, invalid_answer

_PART_MARKS = frozenset({"thought", "thoughtSignature"})


def completion(body: bytes) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    decoder = ChunkDecoder()
    events = [*decoder.feed(SseEvent("", body)), *decoder.close(framed=True)]
    return fold(events)


class ChunkDecoder:
    """See `service/providers/wire.py`: StreamDecoder."""

    def __init__(self) -> None:
        self._part_count = 0
        # The part that further text may carry on: Text, Reasoning, or None.
        self._open: type[Text | Reasoning] | None = None
        self._signature = b""
        self._called = False
        self._finish_reason: str | None = None
        self._usage: Any = None
        self._id = ""
        self._metadata: dict[str, Any] = {}

    def feed(self, event: SseEvent) -> Sequence[StreamEvent]:
        try:
            return self._events(orjson.loads(event.data))
        except SHAPE_ERRORS as error:
            raise invalid_answer(NAME, f"an event has a wrong shape ({error!r})") from error

    def close(self, *, framed: bool) -> Sequence[StreamEvent]:
        if self._finish_reason is None:
            raise invalid_answer(NAME, "it stopped before the answer was over")
        if not framed:
            raise invalid_answer(NAME, "its connection ended, and nothing says that this was all")
        try:
            last = ending(
                self._finish_reason, self._usage, self._id, self._metadata, called=self._called
            )
        except SHAPE_ERRORS as error:
            raise invalid_answer(NAME, f"its usage has a wrong shape ({error!r})") from error
        return [*self._close_part(), last]

    def _events(self, chunk: Any) -> Sequence[StreamEvent]:
        if chunk.get("error"):
            raise reported(chunk["error"])
        blocked = (chunk.get("promptFeedback") or {}).get("blockReason")
        if blocked:
            message = f"{NAME} refused the prompt: {blocked}"
            raise ProviderFailure(ErrorReason.CONTENT_POLICY_VIOLATION, message)
        if chunk.get("usageMetadata"):
            self._usage = chunk["usageMetadata"]
        self._id = self._id or text(chunk.get("responseId") or "")
        self._keep(chunk, KNOWN_FIELDS)
        events: list[StreamEvent] = []
        for candidate in chunk.get("candidates") or ():
            if candidate.get("index"):
                continue
            self._keep(candidate, KNOWN_CANDIDATE_FIELDS)
            tokens = logprobs(candidate.get("logprobsResult"))
            for part in (candidate.get("content") or {}).get("parts") or ():
                events.extend(self._part(part, tokens))
                tokens = ()
            if candidate.get("finishReason"):
                self._finish_reason = text(candidate["finishReason"])
        return events

    def _keep(self, told: Any, known: frozenset[str]) -> None:
        for name in sorted(told.keys() - known):
            if told[name] is not None:
                self._metadata[name] = told[name]

    def _part(self, part: Any, tokens: Any) -> Sequence[StreamEvent]:
        signature = base64.b64decode(text(part.get("thoughtSignature") or ""), validate=True)
        if "text" in part:
            kind = Reasoning if part.get("thought") else Text
            events = [] if self._open is kind else self._open_part(kind)
            said = text(part["text"])
            index = self._part_count - 1
            if said and kind is Text:
                events.append(TextDelta(said, index, tokens))
            elif said:
                events.append(ReasoningDelta(said, index))
            self._signature = signature or self._signature
            return events
        events = self._close_part()
        index = self._part_count
        self._part_count += 1
        if "functionCall" in part:
            self._called = True
            return [*events, *_call_events(index, part["functionCall"], signature)]
        return [*events, PartDone(index, _whole_part(part, signature))]

    def _open_part(self, kind: type[Text | Reasoning]) -> list[StreamEvent]:
        events = self._close_part()
        self._open = kind
        self._part_count += 1
        return events

    def _close_part(self) -> list[StreamEvent]:
        if self._open is None:
            return []
        signature, self._signature = self._signature, b""
        rest: Part | None = None
        if signature:
            is_text = self._open is Text
            rest = Text("", signature=signature) if is_text else Reasoning(signature=signature)
        self._open = None
        return [PartDone(self._part_count - 1, rest)]


def _call_events(index: int, call: Any, signature: bytes) -> list[StreamEvent]:
    name = text(call["name"])
    # The position makes it unique within the answer, and the same at every reading.
    call_id = text(call.get("id") or "") or f"{OWN_ID_PREFIX}{index}-{name}"
    arguments = orjson.dumps(call.get("args") or {}).decode()
    rest = ToolCall("", "", "", signature=signature) if signature else None
    return [ToolCallDelta(index, call_id, name, arguments), PartDone(index, rest)]


def _whole_part(part: Any, signature: bytes) -> Part:
    if "inlineData" in part:
        inline = part["inlineData"]
        data = base64.b64decode(text(inline["data"]), validate=True)
        return Blob(text(inline["mimeType"]), data, signature=signature)
    value = {name: part[name] for name in part if name not in _PART_MARKS}
    return ProviderPart(NAME, value, signature=signature)

"""Chunks of a streamed answer into stream events. The hot path of every stream.

An answer is whole when a finish reason was seen and then `[DONE]`, or, for servers that send no
`[DONE]`, when the body's own framing says that it is whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from service.domain.completion import Ending, Part, Refusal, ToolCall
from service.domain.events import PartDone, ReasoningDelta, StreamEvent, TextDelta
from service.providers.openai.calls import OpenCalls
from service.providers.openai.failure import reported
from service.providers.openai.response import (
    KNOWN_CHOICE,
    KNOWN_FIELDS,
    KNOWN_MESSAGE,
    finish_reason,
    gather,
    with_usage,
)
from service.providers.openai.tokens import logprobs, usage_of
from service.providers.shape import ShapeError, beyond, record, records, text, told_name
from service.providers.wire import SseEvent, invalid_answer

_DONE = b"[DONE]"
_UNSEEN: AbstractSet[str] = frozenset({""})
_UNOPENED = -1


class ChunkDecoder:
    """See `service/providers/wire.py`: StreamDecoder."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        # The keys of the last chunk that was read in full: one with the same keys is not searched
        # again for what lies beyond the contract.
        self._keys = _UNSEEN
        self._choice_keys = _UNSEEN
        self._part_count = 0
        self._text_index = _UNOPENED
        self._reasoning_index = _UNOPENED
        self._refusal_index = _UNOPENED
        self._refusal: list[str] = []
        self._calls = OpenCalls()
        self._last_choice: dict[str, Any] = {}
        self._usage: Any = None
        self._id = ""
        self._metadata: dict[str, Any] = {}
        self._over = False

    def feed(self, event: SseEvent) -> Sequence[StreamEvent]:
        data = event.data
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            return self._unparsed(data, error)
        if event.name == "error":
            # Some gateways mark an error by the event's name alone.
            raise reported(self._provider, _error_of(chunk))
        return self.feed_chunk(chunk)

    def feed_chunk(self, chunk: Any) -> Sequence[StreamEvent]:
        """As `feed`, from parsed JSON."""
        try:
            (choice,) = chunk["choices"]
            if (
                chunk.keys() == self._keys
                and choice.keys() == self._choice_keys
                and not choice["finish_reason"]
                and not choice["index"]
                and not choice.get("logprobs")
                and not chunk.get("usage")
            ):
                plain = self._plain(choice["delta"])
                if plain is not None:
                    return (plain,)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass  # Nothing plain: read in full, and judged there.
        try:
            return self._events(record(chunk, "an event"))
        except ShapeError as error:
            raise invalid_answer(self._provider, str(error)) from None

    def close(self, *, framed: bool) -> Sequence[StreamEvent]:
        if self._over:
            return ()
        if self._last_choice and not framed:
            raise invalid_answer(self._provider, "its stream stopped before [DONE]")
        return self._finish()

    def _unparsed(self, data: bytes, error: Exception) -> Sequence[StreamEvent]:
        stripped = data.strip()
        if stripped == _DONE:
            return () if self._over else self._finish()
        if not stripped:
            return ()  # A sign of life.
        raise invalid_answer(self._provider, f"an event is not JSON ({error})") from None

    def _plain(self, delta: dict[str, Any]) -> TextDelta | ReasoningDelta | None:
        """The event of a delta that adds to an open text or reasoning, and says nothing else."""
        content = delta.get("content")
        if content:
            index = self._text_index
            if type(content) is str and index >= 0 and _says_only(delta, "content"):
                return TextDelta(content, index)
            return None
        thought = delta.get("reasoning_content")
        index = self._reasoning_index
        if type(thought) is str and index >= 0 and _says_only(delta, "reasoning_content"):
            return ReasoningDelta(thought, index) if thought else None
        return None

    def _events(self, chunk: dict[str, Any]) -> Sequence[StreamEvent]:
        if self._over:
            return ()
        if chunk.get("error") or chunk.get("object") == "error":
            raise reported(self._provider, _error_of(chunk))
        self._id = self._id or text(chunk.get("id"), "id")
        self._metadata.update(beyond(chunk, KNOWN_FIELDS))
        self._usage = chunk.get("usage") or self._usage
        events: list[StreamEvent] = []
        for choice in records(chunk.get("choices"), "choices"):
            if choice.get("index"):
                continue
            self._delta(choice, events)
            gather(self._metadata, "choice", beyond(choice, KNOWN_CHOICE))
            if text(choice.get("finish_reason"), "finish_reason"):
                self._last_choice = choice
            self._keys, self._choice_keys = chunk.keys(), choice.keys()
        return events

    def _delta(self, choice: dict[str, Any], events: list[StreamEvent]) -> None:
        delta = record(choice.get("delta"), "delta")
        thought = text(delta.get("reasoning_content") or delta.get("reasoning"), "reasoning")
        if thought:
            if self._reasoning_index == _UNOPENED:
                self._reasoning_index = self._opened()
            events.append(ReasoningDelta(thought, self._reasoning_index))
        said = text(delta.get("content"), "content")
        tokens = logprobs(choice.get("logprobs"))
        if said or tokens:
            if self._text_index == _UNOPENED:
                self._text_index = self._opened()
            events.append(TextDelta(said, self._text_index, tokens))
        refusal = text(delta.get("refusal"), "refusal")
        if refusal:
            if self._refusal_index == _UNOPENED:
                self._refusal_index = self._opened()
            self._refusal.append(refusal)
        for fragment in records(delta.get("tool_calls"), "tool_calls"):
            begun = len(self._calls.calls)
            told = self._calls.delta(fragment, self._part_count, self._id)
            if len(self._calls.calls) > begun:
                self._part_count += 1
            if told is not None:
                events.append(told)
        gather(self._metadata, "message", beyond(delta, KNOWN_MESSAGE))

    def _opened(self) -> int:
        self._part_count += 1
        return self._part_count - 1

    def _finish(self) -> Sequence[StreamEvent]:
        if not self._last_choice:
            raise invalid_answer(self._provider, "its stream ended without a finish reason")
        rests = self._rests()
        try:
            reason = finish_reason(
                self._provider, self._last_choice, self._judged(rests), self._usage
            )
            ending = Ending(
                reason,
                self._last_choice["finish_reason"],
                usage_of(self._usage, self._metadata.get("service_tier")),
                self._id,
                with_usage(self._metadata, self._usage),
                provider_model=told_name(self._metadata.get("model")),
            )
        except ShapeError as error:
            raise invalid_answer(self._provider, str(error)) from None
        self._over = True
        self._keys = _UNSEEN
        return [*(PartDone(index, rests.get(index)) for index in range(self._part_count)), ending]

    def _rests(self) -> dict[int, Part]:
        rests: dict[int, Part] = {}
        if self._refusal:
            rests[self._refusal_index] = Refusal("".join(self._refusal))
        for call in self._calls.calls:
            whole = call.whole(self._provider)
            if whole is not None:
                rests[call.part_index] = whole
        return rests

    def _judged(self, rests: dict[int, Part]) -> list[Part]:
        # Of a call's being a function's, only that it is one matters here.
        functions = [ToolCall("", "", "") for call in self._calls.calls if call.custom is None]
        return [*rests.values(), *functions]


def _says_only(delta: dict[str, Any], name: str) -> bool:
    if len(delta) == 1:
        return True
    # Ollama repeats the role in each chunk; vLLM and DeepSeek send fields that are null.
    for key, value in delta.items():
        if key not in (name, "role") and (value or key not in KNOWN_MESSAGE):
            return False
    return True


def _error_of(chunk: Any) -> Any:
    if isinstance(chunk, dict):
        return chunk.get("error") or chunk
    return chunk

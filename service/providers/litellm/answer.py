"""What litellm answers, as JSON of OpenAI's format with extensions, into the domain.

Believes the Witness of the raw bytes before the library's own figures.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from service.domain.completion import (
    Completion,
    Ending,
    Part,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from service.domain.events import PartDone, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta
from service.providers.litellm.witness import Witness
from service.providers.openai.response import completion_of
from service.providers.openai.shape import ShapeError, record, records, text
from service.providers.openai.stream import ChunkDecoder
from service.providers.wire import invalid_answer

# What the library adds to every answer, and what is told in parts.
_OWN_FIELDS = frozenset({"provider_specific_fields", "moderation"})
_OWN_USAGE = frozenset(
    {"cache_creation_input_tokens", "cache_read_input_tokens", "iterations", "speed"}
)
_OWN_DETAILS = frozenset({"video_tokens", "initial_prompt_tokens"})
# How it hides a signature in the id of a call.
_ID_SEPARATOR = "__thought__"
_NO_BLOCKS: tuple[Reasoning, ...] = ()


def completion(provider: str, answer: Any, witness: Witness | None) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    try:
        fields = _cleaned(record(answer, "its answer"))
        choice = next(iter(records(fields.get("choices"), "choices")), {})
        message = record(choice.get("message"), "message")
        signatures, thoughts, proofs = _signatures(message), _blocks(message), _text_proof(message)
        for name in ("thinking_blocks", "function_call", "provider_specific_fields"):
            message.pop(name, None)
        choice.pop("provider_specific_fields", None)
    except ShapeError as error:
        raise invalid_answer(provider, str(error)) from None
    whole = completion_of(provider, fields)
    parts = [_signed(part, signatures) for part in whole.parts]
    if any(thought.signature or thought.encrypted for thought in thoughts):
        parts = [*thoughts, *(part for part in parts if not isinstance(part, Reasoning))]
    ending = replace(whole.ending, usage=believed(whole.ending.usage, witness))
    return replace(whole, parts=_proven(parts, proofs), ending=ending)


def believed(usage: Usage | None, witness: Witness | None) -> Usage | None:
    """`usage` without what the library counted itself."""
    if usage is None or witness is None or not witness.readable:
        return usage
    if not witness.saw_usage:
        return None
    return usage if witness.saw_reasoning_tokens else replace(usage, reasoning_output_tokens=0)


class LibraryDecoder(ChunkDecoder):
    """Reads the library's chunks, already parsed: `feed_chunk`, then `finish`."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._proofs: dict[int, Part] = {}
        self._text_proof = b""

    def read(self, chunk: Any) -> Sequence[StreamEvent]:
        """Raises ProviderFailure for a chunk of a wrong shape."""
        try:
            return self._read(_cleaned(record(chunk, "a chunk")))
        except ShapeError as error:
            raise invalid_answer(self._provider, str(error)) from None

    def finish(self, witness: Witness | None) -> Sequence[StreamEvent]:
        """What is still to be said of a whole answer, ending in an Ending."""
        events: list[StreamEvent] = []
        for event in self.close(framed=True):
            if isinstance(event, Ending):
                usage = believed(event.usage, witness)
                events.append(replace(event, usage=usage))
            elif isinstance(event, PartDone) and event.part_index in self._proofs:
                events.append(replace(event, part=self._proofs[event.part_index]))
            else:
                events.append(event)
        return events

    def _read(self, chunk: dict[str, Any]) -> Sequence[StreamEvent]:
        # The library replaces the model's name by the one that was asked for.
        chunk.pop("model", None)
        events: list[StreamEvent] = []
        for choice in records(chunk.get("choices"), "choices"):
            choice.pop("provider_specific_fields", None)
            delta = record(choice.get("delta"), "delta")
            signatures, proof = _signatures(delta), _text_proof(delta)
            thoughts = _blocks(delta)
            for name in ("thinking_blocks", "provider_specific_fields", "function_call"):
                delta.pop(name, None)
            if thoughts:
                delta.pop("reasoning_content", None)
                events.extend(self._thoughts(thoughts))
            events.extend(self.feed_chunk({**chunk, "choices": [choice], "usage": None}))
            self._remember(events, signatures, proof)
        if not chunk.get("choices"):
            events.extend(self.feed_chunk(chunk))
        elif chunk.get("usage"):
            events.extend(self.feed_chunk({"choices": [], "usage": chunk["usage"]}))
        return events

    def _thoughts(self, thoughts: Sequence[Reasoning]) -> Sequence[StreamEvent]:
        """A signature ends a block of thinking: what comes then is another part."""
        events: list[StreamEvent] = []
        for thought in thoughts:
            if self._reasoning_index < 0 or thought.encrypted:
                self._reasoning_index = self._opened()
            if thought.text:
                events.append(ReasoningDelta(thought.text, self._reasoning_index))
            if thought.signature or thought.encrypted:
                self._proofs[self._reasoning_index] = replace(thought, text="")
                self._reasoning_index = -1
        return events

    def _remember(
        self, events: Sequence[StreamEvent], signatures: dict[str, bytes], proof: bytes
    ) -> None:
        for event in events:
            if isinstance(event, ToolCallDelta) and event.id in signatures:
                signature = signatures[event.id]
                self._proofs[event.part_index] = ToolCall("", "", "", signature=signature)
        text_index = next((e.part_index for e in events if isinstance(e, TextDelta)), -1)
        if proof and text_index >= 0:
            self._proofs[text_index] = Text("", signature=proof)


def _cleaned(answer: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in answer.items() if name not in _OWN_FIELDS}
    usage = record(fields.get("usage"), "usage")
    if usage:
        kept = {name: value for name, value in usage.items() if name not in _OWN_USAGE}
        for name in ("prompt_tokens_details", "completion_tokens_details"):
            details = record(kept.get(name), name)
            kept[name] = {k: v for k, v in details.items() if k not in _OWN_DETAILS}
        fields["usage"] = kept
    return fields


def _blocks(message: dict[str, Any]) -> Sequence[Reasoning]:
    told = message.get("thinking_blocks")
    if not told:
        return _NO_BLOCKS
    return [
        Reasoning(
            text(block.get("thinking"), "thinking"),
            text(block.get("data"), "thinking").encode(),
            signature=text(block.get("signature"), "a signature").encode(),
        )
        for block in records(told, "thinking_blocks")
    ]


def _signatures(message: dict[str, Any]) -> dict[str, bytes]:
    """The signature of each call by its id, which is freed of the copy in it."""
    found: dict[str, bytes] = {}
    for call in records(message.get("tool_calls"), "tool_calls"):
        told = text(call.get("id"), "a call's id")
        fields = record(call.pop("provider_specific_fields", None), "provider_specific_fields")
        call_id, _, hidden = told.partition(_ID_SEPARATOR)
        signature = text(fields.get("thought_signature"), "a signature") or hidden
        if told:
            call["id"] = call_id
        if signature:
            found[call_id] = _decoded(signature)
    return found


def _text_proof(message: dict[str, Any]) -> bytes:
    """The signature of the text: one that belongs to no call."""
    fields = record(message.get("provider_specific_fields"), "provider_specific_fields")
    told = fields.get("thought_signatures")
    if not isinstance(told, list) or not message.get("content"):
        return b""
    return _decoded(text(told[0], "a signature")) if told else b""


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except binascii.Error:
        raise ShapeError("a signature is not base64") from None


def _signed(part: Part, signatures: dict[str, bytes]) -> Part:
    if isinstance(part, ToolCall) and part.id in signatures:
        return replace(part, signature=signatures[part.id])
    return part


def _proven(parts: Sequence[Part], proof: bytes) -> tuple[Part, ...]:
    if not proof or any(part.signature == proof for part in parts):
        return tuple(parts)
    return tuple(
        replace(part, signature=proof) if isinstance(part, Text) else part for part in parts
    )

"""The library's answers into the domain, through the codec of the OpenAI family."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from service.domain.completion import Completion, Ending, Part, Reasoning, ToolCall, Usage
from service.domain.events import PartDone, ReasoningDelta, StreamEvent, ToolCallDelta
from service.domain.provider import Embeddings
from service.providers.charges import tier_of
from service.providers.openai.response import completion_of as openai_completion
from service.providers.openai.stream import ChunkDecoder
from service.providers.openai.tokens import usage_of
from service.providers.shape import told_name
from service.providers.wire import invalid_answer

# What a wrongly shaped answer makes ordinary code raise.
SHAPE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def completion_of(name: str, prefix: str, response: Any) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    answer = _dumped(response)
    completion = openai_completion(name, answer)
    try:
        message = answer["choices"][0]["message"]
        parts = _proven(prefix, list(completion.parts), message)
        usage = _usage(prefix, completion.ending.usage, answer.get("usage") or {})
    except SHAPE_ERRORS as error:
        raise invalid_answer(name, f"a wrong shape ({error!r})") from error
    ending = replace(completion.ending, usage=usage)
    return replace(completion, parts=tuple(parts), ending=ending)


async def events_of(name: str, prefix: str, response: Any) -> AsyncGenerator[StreamEvent, None]:
    """Ends after the Ending. Raises ProviderFailure, or what the library raises."""
    decoder = ChunkDecoder(name)
    proofs = _StreamProofs(prefix)
    usage: Mapping[str, Any] = {}
    async for chunk in response:
        told = _dumped(chunk)
        usage = told.get("usage") or usage
        proofs.see(told)
        for event in decoder.feed_chunk(told):
            proofs.follow(event)
            yield event
    # The library ends by itself; whether the provider did, the witness tells.
    for event in decoder.close(framed=True):
        match event:
            case PartDone():
                yield proofs.sealed(event)
            case Ending():
                yield replace(event, usage=_usage(prefix, event.usage, usage))
            case _:
                yield event


def embeddings_of(name: str, response: Any, input_count: int) -> Embeddings:
    try:
        answer = _dumped(response)
        # By place: nobody promises that they come in order.
        rows = sorted(answer["data"], key=lambda row: row["index"])
        vectors = tuple(row["embedding"] for row in rows)
        if len(vectors) != input_count:
            raise ValueError(f"{len(vectors)} vectors for {input_count} inputs")
        return Embeddings(vectors, usage_of(answer.get("usage")), told_name(answer.get("model")))
    except SHAPE_ERRORS as error:
        raise invalid_answer(name, f"its embeddings have a wrong shape ({error})") from error


def _dumped(value: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = value.model_dump(exclude_none=True)
    # Per call and made up by the library: the one is the time of day, the other its bookkeeping.
    for own in [key for key in dumped if key.startswith("vertex_ai_")]:
        if not dumped[own]:
            del dumped[own]
    return dumped


def _usage(prefix: str, usage: Usage | None, told: Mapping[str, Any]) -> Usage | None:
    if usage is None or prefix != "anthropic":
        return usage
    prompt = told.get("prompt_tokens_details") or {}
    by_ttl = prompt.get("cache_creation_token_details") or {}
    searched = told.get("server_tool_use") or {}
    return replace(
        usage,
        cache_read_input_tokens=int(told.get("cache_read_input_tokens") or 0),
        cache_write_input_tokens=int(told.get("cache_creation_input_tokens") or 0),
        reasoning_output_tokens=0,
        cache_write_1h_input_tokens=int(by_ttl.get("ephemeral_1h_input_tokens") or 0),
        web_search_count=int(searched.get("web_search_requests") or 0),
        service_tier=tier_of(
            told.get("service_tier"), told.get("speed"), told.get("inference_geo")
        ),
    )


def _proven(prefix: str, parts: list[Part], message: Mapping[str, Any]) -> list[Part]:
    """`parts` with the signatures that stand beside them in the library's message."""
    blocks = message.get("thinking_blocks") or ()
    thoughts = [_thought(block) for block in blocks]
    if prefix == "anthropic" and thoughts:
        parts = [*thoughts, *(part for part in parts if not isinstance(part, Reasoning))]
    calls = iter(message.get("tool_calls") or ())
    return [
        _signed(part, next(calls, {})) if isinstance(part, ToolCall) else part for part in parts
    ]


def _thought(block: Mapping[str, Any]) -> Reasoning:
    if block.get("type") == "redacted_thinking":
        return Reasoning(encrypted=str(block["data"]).encode())
    signature = str(block.get("signature") or "").encode()
    return Reasoning(str(block.get("thinking") or ""), signature=signature)


def _signed(call: ToolCall, told: Mapping[str, Any]) -> ToolCall:
    signature = _signature(told)
    return replace(call, signature=signature) if signature else call


def _signature(told: Mapping[str, Any]) -> bytes:
    fields = told.get("provider_specific_fields") or {}
    return base64.b64decode(fields.get("thought_signature") or "")


class _StreamProofs:
    """Signatures of a stream: the codec does not know them, and they belong to a part's end."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._thought = b""
        self._calls: list[bytes] = []
        self._reasoning_index: int | None = None
        self._call_indices: list[int] = []

    def see(self, chunk: Mapping[str, Any]) -> None:
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for block in delta.get("thinking_blocks") or ():
                if self._prefix == "anthropic" and block.get("signature"):
                    self._thought = str(block["signature"]).encode()
            for call in delta.get("tool_calls") or ():
                if call.get("id"):
                    self._calls.append(_signature(call))

    def follow(self, event: StreamEvent) -> None:
        match event:
            case ReasoningDelta():
                self._reasoning_index = event.part_index
            case ToolCallDelta() if event.id:
                self._call_indices.append(event.part_index)
            case _:
                pass

    def sealed(self, done: PartDone) -> PartDone:
        if done.part_index == self._reasoning_index and self._thought:
            return PartDone(done.part_index, Reasoning(signature=self._thought))
        if done.part_index in self._call_indices:
            signature = self._calls[self._call_indices.index(done.part_index)]
            if signature:
                return PartDone(done.part_index, ToolCall("", "", "", signature=signature))
        return done

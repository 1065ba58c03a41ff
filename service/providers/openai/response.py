"""Whole answers of the family into the domain, and what whole answers and streams share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from service.domain.completion import (
    Completion,
    Ending,
    FinishReason,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings
from service.domain.reasons import ErrorReason
from service.providers.openai.failure import reported
from service.providers.openai.tokens import logprobs, usage_beyond, usage_of
from service.providers.shape import ShapeError, beyond, items, record, records, text, told_name
from service.providers.wire import invalid_answer

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "length": FinishReason.MAX_TOKENS,
    "max_tokens": FinishReason.MAX_TOKENS,
    "model_length": FinishReason.CONTEXT_LIMIT,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
}
# Words of DeepSeek, OpenRouter and vLLM for an answer that they broke off: it is not over.
_BROKEN_OFF = frozenset({"insufficient_system_resource", "error", "abort"})
# Fields that the domain holds elsewhere, or that mean nothing to a caller (random padding).
KNOWN_FIELDS = frozenset({"id", "object", "created", "choices", "usage", "error", "obfuscation"})
KNOWN_CHOICE = frozenset({"index", "message", "delta", "logprobs", "finish_reason", "error"})
KNOWN_MESSAGE = frozenset(
    {"role", "content", "refusal", "tool_calls", "reasoning_content", "reasoning"}
)


def completion(provider: str, body: bytes) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid_answer(provider, f"its body is not JSON ({error})") from None
    return completion_of(provider, answer)


def completion_of(provider: str, answer: Any) -> Completion:
    """As `completion`, from parsed JSON."""
    try:
        return _completion(provider, record(answer, "its body"))
    except ShapeError as error:
        raise invalid_answer(provider, str(error)) from None


def _completion(provider: str, answer: dict[str, Any]) -> Completion:
    if answer.get("error"):
        raise reported(provider, answer["error"])
    choices = records(answer.get("choices"), "choices")
    if not choices:
        raise ShapeError("choices are missing")
    choice = choices[0]
    if not choice.get("finish_reason"):
        raise ShapeError("finish_reason is missing")
    message = record(choice.get("message"), "message")
    response_id = text(answer.get("id"), "id")
    parts = _parts(provider, message, response_id)
    metadata = beyond(answer, KNOWN_FIELDS)
    gather(metadata, "choice", beyond(choice, KNOWN_CHOICE))
    gather(metadata, "message", beyond(message, KNOWN_MESSAGE))
    ending = Ending(
        finish_reason(provider, choice, parts, answer.get("usage")),
        choice["finish_reason"],
        usage_of(answer.get("usage"), answer.get("service_tier")),
        response_id,
        with_usage(metadata, answer.get("usage")),
        provider_model=told_name(answer.get("model")),
    )
    return Completion(tuple(parts), ending, logprobs(choice.get("logprobs")))


def finish_reason(
    provider: str, choice: Mapping[str, Any], parts: list[Part], usage: Any
) -> FinishReason:
    """Raises ProviderFailure when the provider says that the answer is not whole."""
    word = text(choice.get("finish_reason"), "finish_reason")
    if word in _BROKEN_OFF:
        if choice.get("error"):
            raise reported(provider, choice["error"])
        message = f"{provider} broke its answer off ({word})"
        raise ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, message, usage=usage_of(usage))
    reason = _FINISH_REASONS.get(word, FinishReason.OTHER)
    if reason is FinishReason.STOP:
        # `stop` is also said of refusals, and of calls of the one function that was demanded.
        if any(isinstance(part, Refusal) for part in parts):
            return FinishReason.REFUSAL
        if any(isinstance(part, ToolCall) for part in parts):
            return FinishReason.TOOL_CALLS
    return reason


def gather(metadata: dict[str, Any], name: str, fields: Mapping[str, Any]) -> None:
    """Adds `fields` to the object `name` in `metadata`: lists grow, all else is replaced."""
    if not fields:
        return
    if not isinstance(metadata.get(name), dict):
        metadata[name] = {}
    known = cast("dict[str, Any]", metadata[name])
    for key, value in fields.items():
        old = known.get(key)
        if isinstance(old, list) and isinstance(value, list):
            known[key] = [*cast("list[Any]", old), *cast("list[Any]", value)]
        else:
            known[key] = value


def with_usage(metadata: dict[str, Any], usage: Any) -> dict[str, Any]:
    """`metadata` with what a usage says beyond the contract."""
    extra = usage_beyond(usage)
    return {**metadata, "usage": extra} if extra else metadata


def call_id(told: str, response_id: str, number: int) -> str:
    """The id of an answer's call `number`: the provider's, else one that is stable."""
    return told or f"call_{response_id or 'unnamed'}_{number}"


def embeddings(provider: str, body: bytes, call: EmbeddingCall) -> Embeddings:
    """Raises ProviderFailure unless there is one vector for each input."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid_answer(provider, f"its embeddings are not JSON ({error})") from None
    return embeddings_of(provider, answer, call)


def embeddings_of(provider: str, answer: Any, call: EmbeddingCall) -> Embeddings:
    """As `embeddings`, from parsed JSON."""
    try:
        fields = record(answer, "its body")
        if fields.get("error"):
            raise reported(provider, fields["error"])
        vectors = _vectors(records(fields.get("data"), "data"), len(call.inputs))
        return Embeddings(vectors, usage_of(fields.get("usage")), told_name(fields.get("model")))
    except ShapeError as error:
        raise invalid_answer(provider, str(error)) from None


def _vectors(rows: list[dict[str, Any]], input_count: int) -> tuple[list[float], ...]:
    vectors = {_index(row, place): _vector(row) for place, row in enumerate(rows)}
    if len(rows) != input_count or vectors.keys() != set(range(input_count)):
        raise ShapeError(f"{len(rows)} vectors came for {input_count} inputs")
    return tuple(vectors[index] for index in range(input_count))


def _index(row: Mapping[str, Any], place: int) -> int:
    index = row.get("index", place)
    if not isinstance(index, int):
        raise ShapeError("the index of a vector is no number")
    return index


def _vector(row: Mapping[str, Any]) -> list[float]:
    vector = list(items(row.get("embedding"), "an embedding"))
    if not vector or not {type(value) for value in vector} <= {float, int}:
        raise ShapeError("an embedding is no list of numbers")
    return vector


def _parts(provider: str, message: dict[str, Any], response_id: str) -> list[Part]:
    parts: list[Part] = []
    thought = text(message.get("reasoning_content") or message.get("reasoning"), "reasoning")
    if thought:
        parts.append(Reasoning(thought))
    said = text(message.get("content"), "content")
    if said:
        parts.append(Text(said))
    refusal = text(message.get("refusal"), "refusal")
    if refusal:
        parts.append(Refusal(refusal))
    for number, call in enumerate(records(message.get("tool_calls"), "tool_calls")):
        if call.get("type") not in (None, "", "function"):
            parts.append(ProviderPart(provider, call))
            continue
        function = record(call.get("function"), "function")
        name = text(function.get("name"), "a function's name")
        if not name:
            raise ShapeError("a tool call has no name")
        arguments = text(function.get("arguments"), "arguments")
        told = text(call.get("id"), "a call's id")
        parts.append(ToolCall(call_id(told, response_id, number), name, arguments))
    return parts

"""Whole answers of the family into the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from service.domain.completion import (
    Completion,
    Ending,
    FinishReason,
    JsonObject,
    Part,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings
from service.domain.reasons import ErrorReason
from service.providers.openai.failure import reported
from service.providers.wire import invalid_answer

# What a wrongly shaped answer makes ordinary code raise.
SHAPE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError)

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.MAX_TOKENS,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}
# DeepSeek's word for an answer that it broke off by itself: not an end.
_BROKEN_OFF = "insufficient_system_resource"
KNOWN_FIELDS = frozenset({"id", "object", "created", "choices", "usage", "error"})
_KNOWN_MESSAGE_FIELDS = frozenset(
    {"role", "content", "refusal", "tool_calls", "reasoning_content", "reasoning", "function_call"}
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
        if answer.get("error"):
            raise reported(provider, answer["error"])
        choice = answer["choices"][0]
        message = choice["message"]
        parts = _parts(message)
        refused = any(isinstance(part, Refusal) for part in parts)
        return Completion(
            tuple(parts),
            ending(
                provider,
                choice["finish_reason"],
                answer.get("usage"),
                text(answer.get("id") or ""),
                metadata(answer, message),
                refused=refused,
            ),
            logprobs(choice.get("logprobs")),
        )
    except SHAPE_ERRORS as error:
        raise invalid_answer(provider, f"its JSON has a wrong shape ({error!r})") from error


def ending(
    provider: str,
    finish_reason: Any,
    usage: Any,
    response_id: str,
    extra: JsonObject,
    *,
    refused: bool,
) -> Ending:
    """Raises ProviderFailure when the answer says that it is not whole."""
    word = text(finish_reason)
    if word == _BROKEN_OFF:
        message = f"{provider} broke its answer off: {word}"
        raise ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, message, usage=usage_of(usage))
    reason = _FINISH_REASONS.get(word, FinishReason.OTHER)
    if refused and reason is FinishReason.STOP:
        reason = FinishReason.REFUSAL
    return Ending(reason, word, usage_of(usage), response_id, extra)


def usage_of(usage: Any) -> Usage | None:
    """None when the provider did not say. Missing figures count as 0."""
    if not usage:
        return None
    prompt = usage.get("prompt_tokens_details") or {}
    answer = usage.get("completion_tokens_details") or {}
    # DeepSeek's older servers tell the cache beside the details.
    cached = prompt.get("cached_tokens")
    if cached is None:
        cached = usage.get("prompt_cache_hit_tokens")
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cache_read_input_tokens=_count(cached),
        cache_write_input_tokens=_count(prompt.get("cache_creation_tokens")),
        reasoning_output_tokens=_count(answer.get("reasoning_tokens")),
        audio_input_tokens=_count(prompt.get("audio_tokens")),
        audio_output_tokens=_count(answer.get("audio_tokens")),
        image_input_tokens=_count(prompt.get("image_tokens")),
    )


def logprobs(told: Any) -> tuple[TokenLogprob, ...]:
    if not told:
        return ()
    return tuple(
        _token(entry, tuple(_token(other, ()) for other in entry.get("top_logprobs") or ()))
        for entry in told.get("content") or ()
    )


def metadata(answer: Mapping[str, Any], message: Mapping[str, Any]) -> JsonObject:
    """Everything beyond the contract that the provider said."""
    extra = {name: answer[name] for name in answer if name not in KNOWN_FIELDS}
    beside = {
        name: message[name]
        for name in message
        if name not in _KNOWN_MESSAGE_FIELDS and message[name]
    }
    if beside:
        extra["message"] = beside
    return {name: value for name, value in extra.items() if value is not None}


def embeddings(provider: str, body: bytes, call: EmbeddingCall) -> Embeddings:
    """Raises ProviderFailure unless there is one vector for each input."""
    try:
        answer = orjson.loads(body)
        rows = sorted(answer["data"], key=lambda row: row["index"])
        vectors = tuple(row["embedding"] for row in rows)
        if [row["index"] for row in rows] != list(range(len(call.inputs))):
            raise ValueError(f"{len(rows)} vectors for {len(call.inputs)} inputs")
        for vector in vectors:
            if not vector or not all(isinstance(number, float | int) for number in vector):
                raise TypeError("a vector is not a list of numbers")
        usage = answer.get("usage")
        return Embeddings(vectors, usage_of(usage))
    except SHAPE_ERRORS as error:
        raise invalid_answer(provider, f"its embeddings have a wrong shape ({error})") from error


def text(value: Any) -> str:
    """`value` if it is a string. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a string belongs")
    return value


def _parts(message: Any) -> list[Part]:
    parts: list[Part] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if thought:
        parts.append(Reasoning(text(thought)))
    if message.get("content"):
        parts.append(Text(text(message["content"])))
    if message.get("refusal"):
        parts.append(Refusal(text(message["refusal"])))
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = function.get("arguments") or ""
        parts.append(ToolCall(text(call["id"]), text(function["name"]), text(arguments)))
    return parts


def _token(entry: Any, top: tuple[TokenLogprob, ...]) -> TokenLogprob:
    return TokenLogprob(
        text(entry["token"]), float(entry["logprob"]), bytes(entry.get("bytes") or ()), top
    )


def _count(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a token count is not a number of tokens")
    return value

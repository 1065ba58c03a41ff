"""Whole answers of Anthropic into the domain."""

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
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from service.providers.anthropic.failure import reported
from service.providers.wire import invalid_answer

NAME = "anthropic"
# What a wrongly shaped answer makes ordinary code raise.
SHAPE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError)

_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.MAX_TOKENS,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSED,
    "refusal": FinishReason.REFUSAL,
    "model_context_window_exceeded": FinishReason.CONTEXT_LIMIT,
}
_KNOWN_FIELDS = frozenset({"id", "type", "role", "content", "stop_reason", "usage"})
_KNOWN_USAGE = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    }
)


def completion(body: bytes) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    try:
        answer = orjson.loads(body)
        if answer.get("type") == "error":
            raise reported(answer.get("error"))
        return Completion(
            tuple(part(block) for block in answer["content"]),
            ending(answer, answer["stop_reason"], answer.get("usage")),
        )
    except SHAPE_ERRORS as error:
        raise invalid_answer(NAME, f"its body has a wrong shape ({error!r})") from error


def part(block: Any) -> Part:
    """A content block; one of an unknown kind is kept as it is."""
    match block["type"]:
        case "text":
            return Text(text(block["text"]))
        case "thinking":
            signature = text(block.get("signature") or "").encode()
            return Reasoning(text(block["thinking"]), signature=signature)
        case "redacted_thinking":
            return Reasoning(encrypted=text(block["data"]).encode())
        case "tool_use":
            arguments = orjson.dumps(block["input"]).decode()
            return ToolCall(text(block["id"]), text(block["name"]), arguments)
        case _:
            return ProviderPart(NAME, dict(block))


def ending(message: Mapping[str, Any], stop_reason: Any, usage: Any) -> Ending:
    word = text(stop_reason)
    reason = _FINISH_REASONS.get(word, FinishReason.OTHER)
    extra = _metadata(message, usage or {})
    return Ending(reason, word, usage_of(usage), text(message.get("id") or ""), extra)


def usage_of(usage: Any) -> Usage | None:
    """None when Anthropic did not say. Its input_tokens leave out what the cache served."""
    if not usage:
        return None
    read = count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=count(usage.get("input_tokens")) + read + written,
        output_tokens=count(usage.get("output_tokens")),
        cache_read_input_tokens=read,
        cache_write_input_tokens=written,
    )


def _metadata(message: Mapping[str, Any], usage: Mapping[str, Any]) -> JsonObject:
    extra = {name: message[name] for name in message if name not in _KNOWN_FIELDS}
    beside = {name: usage[name] for name in usage if name not in _KNOWN_USAGE and usage[name]}
    if beside:
        extra["usage"] = beside
    return {name: value for name, value in extra.items() if value is not None}


def text(value: Any) -> str:
    """`value` if it is a string. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a string belongs")
    return value


def count(value: Any) -> int:
    """`value` if it is a number of tokens; missing ones count as 0. Raises TypeError."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a token count is not a number of tokens")
    return value

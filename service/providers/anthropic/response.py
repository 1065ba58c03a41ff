"""Whole answers of Anthropic into the domain, and what they share with streamed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from service.providers.charges import tier_of
from service.providers.shape import ShapeError, beyond, count, record, records, told_name
from service.providers.wire import invalid_answer

NAME = "anthropic"
# What a wrongly shaped answer makes ordinary code raise.
SHAPE_ERRORS = (KeyError, TypeError, ValueError, AttributeError)

_FINISH_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.MAX_TOKENS,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSED,
    "compaction": FinishReason.PAUSED,
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
        "output_tokens_details",
    }
)
# Others are of another model, at its own price.
_OWN_TURNS = frozenset({"message", "compaction"})
# The fields of a block that the domain has a place for. Blocks of other kinds are kept whole.
KNOWN_BLOCKS = {
    "text": frozenset({"type", "text"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input"}),
}
# A block that says nothing is no part of a message.
_NOTHING = (Text(""), Reasoning())


def completion(body: bytes) -> Completion:
    """Raises ProviderFailure for anything but a whole answer."""
    try:
        answer = record(orjson.loads(body), "the answer")
        if answer.get("type") == "error" or "error" in answer:
            raise reported(answer.get("error"))
        if answer["content"] is None:
            raise ShapeError("it has no content")
        blocks = records(answer["content"], "content")
        parts = tuple(part(block) for block in blocks)
        extras = {str(index): extra(block) for index, block in enumerate(blocks)}
        usage = record(answer.get("usage"), "usage")
        told = ending(answer, answer["stop_reason"], usage, extras)
        return Completion(tuple(p for p in parts if p not in _NOTHING), told)
    except SHAPE_ERRORS as error:
        raise misshapen("its body", error) from None


def misshapen(what: str, error: Exception) -> Exception:
    """The failure for an answer that made ordinary code raise `error`."""
    return invalid_answer(
        NAME, f"{what} has a wrong shape ({type(error).__name__}: {error!s:.120})"
    )


def part(block: dict[str, Any]) -> Part:
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
            arguments = orjson.dumps(record(block["input"], "input")).decode()
            return ToolCall(text(block["id"]), text(block["name"]), arguments)
        case kind:
            text(kind)
            return ProviderPart(NAME, block)


def extra(block: dict[str, Any]) -> JsonObject:
    """What a block says beyond the domain, such as its citations."""
    known = KNOWN_BLOCKS.get(block["type"])
    return beyond(block, known) if known is not None else {}


def ending(
    message: Mapping[str, Any],
    stop_reason: Any,
    usage: dict[str, Any],
    extras: Mapping[str, JsonObject],
) -> Ending:
    """`extras` is what blocks say beyond the domain, by their places in the message."""
    word = text(stop_reason)
    metadata = beyond(message, _KNOWN_FIELDS)
    told = {name: value for name, value in beyond(usage, _KNOWN_USAGE).items() if value != 0}
    if told:
        metadata["usage"] = told
    content = {place: fields for place, fields in extras.items() if fields}
    if content:
        metadata["content"] = content
    return Ending(
        _FINISH_REASONS.get(word, FinishReason.OTHER),
        word,
        usage_of(usage),
        text(message.get("id") or ""),
        metadata,
        provider_model=told_name(message.get("model")),
    )


def usage_of(usage: dict[str, Any]) -> Usage | None:
    """None when Anthropic did not say. Its input_tokens leave out what the cache served."""
    if usage.get("input_tokens") is None:
        return None
    # Where the prompt was compacted on the way, the totals leave that out.
    turns = [
        turn
        for turn in records(usage.get("iterations"), "iterations")
        if turn.get("type") in _OWN_TURNS
    ] or [usage]
    read = _sum(turns, "cache_read_input_tokens")
    written = _sum(turns, "cache_creation_input_tokens")
    by_ttl = [record(turn.get("cache_creation"), "cache_creation") for turn in turns]
    details = record(usage.get("output_tokens_details"), "output_tokens_details")
    searched = record(usage.get("server_tool_use"), "server_tool_use").get("web_search_requests")
    return Usage(
        input_tokens=_sum(turns, "input_tokens") + read + written,
        output_tokens=_sum(turns, "output_tokens"),
        cache_read_input_tokens=read,
        cache_write_input_tokens=written,
        reasoning_output_tokens=count(details.get("thinking_tokens"), "thinking_tokens"),
        cache_write_1h_input_tokens=min(_sum(by_ttl, "ephemeral_1h_input_tokens"), written),
        web_search_count=count(searched, "web_search_requests"),
        # What is served within one country, or faster, costs more.
        service_tier=tier_of(
            usage.get("service_tier"), usage.get("speed"), usage.get("inference_geo")
        ),
    )


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> int:
    return count(sum(count(row.get(name), name) for row in rows), name)


def text(value: Any) -> str:
    """`value` if it is a string. Raises ShapeError."""
    if isinstance(value, str):
        return value
    raise ShapeError(f"{type(value).__name__} where a string belongs")

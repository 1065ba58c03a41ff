"""Messages for litellm: OpenAI's, with the extensions that its translators read."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from service.domain.completion import (
    Blob,
    MediaUri,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from service.providers.litellm.dialect import Behind
from service.providers.wire import unsupported

_LONG_FROM_S = 3600
_CONTENT = (Text, Blob, MediaUri)


def translatable(behind: Behind, spoken: Sequence[Message]) -> tuple[Message, ...]:
    """`spoken` without what the library would lose in silence.

    Raises ProviderFailure(local=True) for a part that it cannot translate.
    """
    if behind.own_words:
        return tuple(spoken)
    return tuple(
        replace(message, parts=tuple(_translatable(behind, f"spec.messages[{index}]", message)))
        for index, message in enumerate(spoken)
    )


def _translatable(behind: Behind, path: str, message: Message) -> Iterator[Part]:
    name = behind.dialect.name
    for index, part in enumerate(message.parts):
        where = f"{path}.parts[{index}]"
        match part:
            case Refusal():
                yield Text(part.text, cache_ttl_s=part.cache_ttl_s)
            case ProviderPart():
                why = "this engine translates parts, and cannot pass one through"
                raise unsupported(name, f"{where}.provider_part", why)
            case Blob() if part.mime_type.startswith("audio/") and not behind.audio:
                raise unsupported(name, f"{where}.blob.mime_type", "it hears no audio")
            case _:
                yield part


def extend(behind: Behind, spoken: Sequence[Message], wire: Sequence[dict[str, Any]]) -> None:
    """Adds to `wire`, which OpenAI's family made of `spoken`, what that has no words for."""
    written = iter(wire)
    for message in spoken:
        if message.role is Role.TOOL:
            for part in message.parts:
                _mark_result(behind, part, next(written))
            continue
        one = next(written)
        if message.role is Role.ASSISTANT:
            _sign(behind, message.parts, one)
        _describe(message.parts, one)
        if behind.cache_control:
            _mark(message.parts, one)


def _mark_result(behind: Behind, part: Part, wire: dict[str, Any]) -> None:
    if not isinstance(part, ToolResult):
        return
    if part.name:
        wire["name"] = part.name
    hints = [part.cache_ttl_s, *(inner.cache_ttl_s for inner in part.parts)]
    wanted = max((ttl_s for ttl_s in hints if ttl_s is not None), default=None)
    if behind.cache_control and wanted is not None:
        wire["cache_control"] = _cache_control(wanted)


def _sign(behind: Behind, parts: Sequence[Part], wire: dict[str, Any]) -> None:
    if behind.thinking_blocks:
        blocks = [_thinking_block(part) for part in parts if isinstance(part, Reasoning)]
        signed = [block for block in blocks if block is not None]
        if signed:
            wire["thinking_blocks"] = signed
    if not behind.thought_signatures:
        return
    calls = [part for part in parts if isinstance(part, ToolCall)]
    for call, item in zip(calls, wire.get("tool_calls", ()), strict=True):
        if call.signature:
            item["provider_specific_fields"] = {"thought_signature": _encoded(call.signature)}
    texts = [part.signature for part in parts if isinstance(part, Text) and part.signature]
    if texts:
        wire["provider_specific_fields"] = {"thought_signatures": [_encoded(texts[0])]}


def _thinking_block(part: Reasoning) -> dict[str, Any] | None:
    if part.encrypted:
        return {"type": "redacted_thinking", "data": part.encrypted.decode(errors="replace")}
    if part.signature:
        signature = part.signature.decode(errors="replace")
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    return None  # Without its proof the provider refuses it.


def _describe(parts: Sequence[Part], wire: dict[str, Any]) -> None:
    # Without a type the library fetches a URI to learn it, which it is not allowed to.
    said = [part for part in parts if isinstance(part, _CONTENT)]
    if not isinstance(wire["content"], list):
        return
    for part, item in zip(said, wire["content"], strict=False):
        if isinstance(part, MediaUri) and part.mime_type and "image_url" in item:
            item["image_url"]["format"] = part.mime_type


def _mark(parts: Sequence[Part], wire: dict[str, Any]) -> None:
    if all(part.cache_ttl_s is None for part in parts):
        return
    if isinstance(wire["content"], str):
        wire["content"] = [{"type": "text", "text": wire["content"]}]
    said = [part for part in parts if isinstance(part, _CONTENT)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    pairs = [
        *zip(said, wire["content"] or (), strict=True),
        *zip(calls, wire.get("tool_calls", ()), strict=True),
    ]
    for part, item in pairs:
        if part.cache_ttl_s is not None:
            item["cache_control"] = _cache_control(part.cache_ttl_s)


def _cache_control(ttl_s: int) -> dict[str, Any]:
    return {"type": "ephemeral", "ttl": "1h"} if ttl_s >= _LONG_FROM_S else {"type": "ephemeral"}


def _encoded(signature: bytes) -> str:
    return base64.b64encode(signature).decode()

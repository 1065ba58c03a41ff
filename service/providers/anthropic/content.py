"""Messages and parts into Anthropic's JSON.

System and developer messages, wherever they stand, become the `system` prompt. Tool results are
user turns. Reasoning goes back only with its proof: a signature, or its encrypted form.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

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
from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.providers.anthropic.response import NAME
from service.providers.wire import Omissions, unsupported

_HOUR_FROM_S = 301
_Blocks = list[dict[str, Any]]


def conversation(spoken: Sequence[Message], omissions: Omissions) -> tuple[_Blocks, _Blocks]:
    """The `system` blocks and the `messages`. Neighbours of one role are joined."""
    system: _Blocks = []
    messages: _Blocks = []
    for index, message in enumerate(spoken):
        path = f"spec.messages[{index}]"
        if message.name:
            omissions.lacks(f"{path}.name")
        found = [
            _block(f"{path}.parts[{number}]", part, omissions)
            for number, part in enumerate(message.parts)
        ]
        blocks = [block for block in found if block is not None]
        if message.role in (Role.SYSTEM, Role.DEVELOPER):
            system.extend(blocks)
            continue
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"].extend(blocks)
        elif blocks:
            messages.append({"role": role, "content": blocks})
    return system, messages


def _block(path: str, part: Part, omissions: Omissions) -> dict[str, Any] | None:
    block = _kind(path, part, omissions)
    if block is not None and part.cache_ttl_s is not None:
        control = {"type": "ephemeral"}
        if part.cache_ttl_s >= _HOUR_FROM_S:
            # Its two lifetimes are five minutes, the default, and an hour.
            control["ttl"] = "1h"
        block = {**block, "cache_control": control}
    return block


def _kind(path: str, part: Part, omissions: Omissions) -> dict[str, Any] | None:
    """None for what Anthropic refuses and nobody misses."""
    match part:
        case Text() | Refusal():
            return {"type": "text", "text": part.text} if part.text else None
        case Blob():
            return _blob(path, part)
        case MediaUri():
            return _uri(path, part, omissions)
        case ToolCall():
            arguments = _arguments(f"{path}.tool_call.arguments_json", part.arguments_json)
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}
        case ToolResult():
            return _tool_result(path, part, omissions)
        case Reasoning():
            return _reasoning(part)
        case ProviderPart() if part.provider == NAME:
            return dict(part.value)
        case ProviderPart():
            why = f"it is a part of {part.provider}"
            raise unsupported(NAME, f"{path}.provider_part", why)


def _reasoning(part: Reasoning) -> dict[str, Any] | None:
    if part.encrypted:
        return {"type": "redacted_thinking", "data": part.encrypted.decode(errors="replace")}
    if part.signature:
        signature = part.signature.decode(errors="replace")
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    return None


def _tool_result(path: str, part: ToolResult, omissions: Omissions) -> dict[str, Any]:
    found = [
        _block(f"{path}.tool_result.parts[{index}]", inner, omissions)
        for index, inner in enumerate(part.parts)
    ]
    result: dict[str, Any] = {
        "type": "tool_result",
        "tool_use_id": part.tool_call_id,
        "content": [block for block in found if block is not None],
    }
    if part.is_error:
        result["is_error"] = True
    return result


def _blob(path: str, blob: Blob) -> dict[str, Any]:
    source = {
        "type": "base64",
        "media_type": blob.mime_type,
        "data": base64.b64encode(blob.data).decode(),
    }
    if blob.mime_type.startswith("image/"):
        return {"type": "image", "source": source}
    if blob.mime_type == "text/plain":
        text = blob.data.decode(errors="replace")
        source = {"type": "text", "media_type": "text/plain", "data": text}
    elif blob.mime_type != "application/pdf":
        raise unsupported(NAME, f"{path}.blob.mime_type", f"no way to send {blob.mime_type}")
    document: dict[str, Any] = {"type": "document", "source": source}
    if blob.filename:
        document["title"] = blob.filename
    return document


def _uri(path: str, uri: MediaUri, omissions: Omissions) -> dict[str, Any]:
    if uri.detail not in ("", "auto"):
        omissions.lacks(f"{path}.uri.detail")
    source = {"type": "url", "url": uri.uri}
    if uri.mime_type.startswith("image/") or not uri.mime_type:
        return {"type": "image", "source": source}
    if uri.mime_type == "application/pdf":
        return {"type": "document", "source": source}
    raise unsupported(NAME, f"{path}.uri", f"{uri.mime_type} by reference")


def _arguments(path: str, text: str) -> Any:
    try:
        return orjson.loads(text or "{}")
    except orjson.JSONDecodeError as error:
        message = f"{NAME}: {path} is not JSON: {error}"
        raise ProviderFailure(
            ErrorReason.INVALID_REQUEST, message, local=True, field=path
        ) from None

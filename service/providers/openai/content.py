"""Messages and parts into the family's JSON."""

from __future__ import annotations

import base64
from collections.abc import Sequence
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
from service.providers.openai.dialect import Dialect, ReasoningStyle
from service.providers.wire import unsupported

_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
}


def messages(dialect: Dialect, spoken: Sequence[Message]) -> list[dict[str, Any]]:
    """One JSON message for each; each tool result becomes a message of its own."""
    wire: list[dict[str, Any]] = []
    for index, message in enumerate(spoken):
        path = f"spec.messages[{index}]"
        match message.role:
            case Role.TOOL:
                wire.extend(_tool_results(dialect, path, message))
            case Role.ASSISTANT:
                wire.append(_assistant(dialect, path, message))
            case role:
                word = role.value
                if role is Role.DEVELOPER and not dialect.developer_role:
                    word = "system"
                content = _content(dialect, path, message.parts)
                wire.append(_named({"role": word, "content": content}, message))
    return wire


def _tool_results(dialect: Dialect, path: str, message: Message) -> list[dict[str, Any]]:
    wire: list[dict[str, Any]] = []
    for index, part in enumerate(message.parts):
        if not isinstance(part, ToolResult):
            raise unsupported(dialect.name, f"{path}.parts[{index}]", "it is no tool result")
        inner = f"{path}.parts[{index}].tool_result"
        for number, result in enumerate(part.parts):
            if not isinstance(result, Text):
                raise unsupported(dialect.name, f"{inner}.parts[{number}]", "results are text")
        content = _content(dialect, inner, part.parts)
        wire.append({"role": "tool", "tool_call_id": part.tool_call_id, "content": content})
    return wire


def _assistant(dialect: Dialect, path: str, message: Message) -> dict[str, Any]:
    said: list[Part] = []
    calls: list[dict[str, Any]] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    for part in message.parts:
        match part:
            case ToolCall():
                function = {"name": part.name, "arguments": part.arguments_json}
                calls.append({"id": part.id, "type": "function", "function": function})
            case Refusal():
                refusals.append(part.text)
            case Reasoning():
                thoughts.append(part.text)
            case _:
                said.append(part)
    wire: dict[str, Any] = {
        "role": "assistant",
        "content": _content(dialect, path, said) if said else None,
    }
    if refusals:
        wire["refusal"] = "".join(refusals)
    if thoughts and calls and dialect.reasoning is ReasoningStyle.THINKING:
        wire["reasoning_content"] = "".join(thoughts)
    if calls:
        wire["tool_calls"] = calls
    return _named(wire, message)


def _named(wire: dict[str, Any], message: Message) -> dict[str, Any]:
    if message.name:
        wire["name"] = message.name
    return wire


def _content(dialect: Dialect, path: str, parts: Sequence[Part]) -> str | list[Any]:
    if len(parts) == 1 and isinstance(parts[0], Text):
        # The form that every compatible server understands.
        return parts[0].text
    return [_part(dialect, f"{path}.parts[{index}]", part) for index, part in enumerate(parts)]


def _part(dialect: Dialect, path: str, part: Part) -> Any:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case ProviderPart() if part.provider == dialect.name:
            return part.value
        case ProviderPart():
            why = f"it is a part of {part.provider}"
            raise unsupported(dialect.name, f"{path}.provider_part", why)
        case Blob() | MediaUri() if not dialect.media:
            raise unsupported(dialect.name, path, "it reads text only")
        case Blob():
            return _blob(dialect, path, part)
        case MediaUri() if part.mime_type.startswith("image/") or not part.mime_type:
            image = {"url": part.uri}
            if part.detail:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case MediaUri():
            raise unsupported(dialect.name, f"{path}.uri", f"{part.mime_type} by reference")
        case _:
            raise unsupported(dialect.name, path, f"a {type(part).__name__} cannot stand here")


def _blob(dialect: Dialect, path: str, blob: Blob) -> dict[str, Any]:
    data = base64.b64encode(blob.data).decode()
    url = f"data:{blob.mime_type};base64,{data}"
    if blob.mime_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if blob.mime_type in _AUDIO_FORMATS:
        audio = {"data": data, "format": _AUDIO_FORMATS[blob.mime_type]}
        return {"type": "input_audio", "input_audio": audio}
    if blob.mime_type == "application/pdf":
        file = {"filename": blob.filename or "document.pdf", "file_data": url}
        return {"type": "file", "file": file}
    raise unsupported(dialect.name, f"{path}.blob.mime_type", f"no way to send {blob.mime_type}")

"""Messages and their parts into the family's JSON. Refuses what no dialect field can say."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
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
from service.providers.openai.dialect import Dialect, ReasoningBack
from service.providers.wire import unsupported

_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
}
# A provider part of this type is a call of a tool that is not a function.
CUSTOM_CALL = "custom"


def messages(dialect: Dialect, spoken: Sequence[Message]) -> list[dict[str, Any]]:
    """One JSON message for each; each tool result becomes a message of its own.

    Raises ProviderFailure(local=True) for a part that the dialect cannot say.
    """
    wire: list[dict[str, Any]] = []
    for index, message in enumerate(spoken):
        path = f"spec.messages[{index}].parts"
        match message.role:
            case Role.TOOL:
                wire.extend(_tool_results(dialect, path, message.parts))
            case Role.ASSISTANT:
                wire.append(_assistant(dialect, path, message))
            case role:
                word = role.value
                if role is Role.DEVELOPER and not dialect.developer_role:
                    word = "system"
                wire.append(
                    _begun(word, message, _content(dialect, path, enumerate(message.parts)))
                )
    return wire


def _begun(role: str, message: Message, content: str | list[Any] | None) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": role}
    if message.name:
        wire["name"] = message.name
    wire["content"] = content
    return wire


def _tool_results(dialect: Dialect, path: str, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The wire has no word for `is_error`: the result's own text says that the tool failed."""
    wire: list[dict[str, Any]] = []
    for index, part in enumerate(parts):
        if not isinstance(part, ToolResult):
            raise unsupported(dialect.name, f"{path}[{index}]", "it is no tool result")
        inner = f"{path}[{index}].tool_result.parts"
        for number, result in enumerate(part.parts):
            if not isinstance(result, Text | ProviderPart):
                raise unsupported(dialect.name, f"{inner}[{number}]", "tool results are text")
        content = _content(dialect, inner, enumerate(part.parts))
        wire.append({"role": "tool", "tool_call_id": part.tool_call_id, "content": content})
    return wire


def _assistant(dialect: Dialect, path: str, message: Message) -> dict[str, Any]:
    said: list[tuple[int, Part]] = []
    calls: list[Any] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    for index, part in enumerate(message.parts):
        match part:
            case ToolCall():
                function = {"name": part.name, "arguments": part.arguments_json}
                calls.append({"id": part.id, "type": "function", "function": function})
            case ProviderPart() if part.value.get("type") == CUSTOM_CALL:
                calls.append(_own(dialect, f"{path}[{index}]", part))
            case Refusal():
                refusals.append(part.text)
            case Reasoning():
                thoughts.append(part.text)
            case _:
                said.append((index, part))
    wire = _begun("assistant", message, _content(dialect, path, said) if said else None)
    if refusals:
        wire["refusal"] = "".join(refusals)
    if any(thoughts) and _takes_back(dialect, calls):
        wire["reasoning_content"] = "".join(thoughts)
    if calls:
        wire["tool_calls"] = calls
    return wire


def _takes_back(dialect: Dialect, calls: Sequence[Any]) -> bool:
    match dialect.reasoning_back:
        case ReasoningBack.NEVER:
            return False
        case ReasoningBack.WITH_TOOL_CALLS:
            return bool(calls)
        case ReasoningBack.ALWAYS:
            return True


def _content(dialect: Dialect, path: str, indexed: Iterable[tuple[int, Part]]) -> str | list[Any]:
    parts = list(indexed)
    texts = [part.text for _, part in parts if isinstance(part, Text)]
    # One string is the form that every compatible server understands.
    if len(texts) == len(parts) and (len(parts) <= 1 or dialect.text_only):
        return "".join(texts)
    return [_part(dialect, f"{path}[{index}]", part) for index, part in parts]


def _part(dialect: Dialect, path: str, part: Part) -> Mapping[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case ProviderPart():
            return _own(dialect, path, part)
        case Blob() | MediaUri() if dialect.text_only:
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


def _own(dialect: Dialect, path: str, part: ProviderPart) -> Mapping[str, Any]:
    if part.provider != dialect.name:
        why = f"it is a part of {part.provider}"
        raise unsupported(dialect.name, f"{path}.provider_part", why)
    return part.value


def _blob(dialect: Dialect, path: str, blob: Blob) -> Mapping[str, Any]:
    data = base64.b64encode(blob.data).decode()
    if blob.mime_type.startswith("image/"):
        url = f"data:{blob.mime_type};base64,{data}"
        return {"type": "image_url", "image_url": {"url": url}}
    if blob.mime_type in _AUDIO_FORMATS:
        audio = {"data": data, "format": _AUDIO_FORMATS[blob.mime_type]}
        return {"type": "input_audio", "input_audio": audio}
    if blob.mime_type == "application/pdf":
        url = f"data:{blob.mime_type};base64,{data}"
        file = {"filename": blob.filename or "document.pdf", "file_data": url}
        return {"type": "file", "file": file}
    why = f"it takes images, wav, mp3 and PDF, not {blob.mime_type}"
    raise unsupported(dialect.name, f"{path}.blob.mime_type", why)

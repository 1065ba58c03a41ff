"""Messages and parts into Gemini's JSON.

System and developer messages become the `systemInstruction`. Tool results are user turns and name
the function, not only the call. Earlier reasoning goes back only if Gemini signed it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
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
from service.providers.gemini.models import Traits
from service.providers.gemini.response import NAME, OWN_ID_PREFIX
from service.providers.jsontext import finite, invalid, json_object
from service.providers.wire import Omissions, unsupported

_Parts = list[dict[str, Any]]
_FRAMING = (Role.SYSTEM, Role.DEVELOPER)
# Google's own word for a call that no Gemini made, such as one of another provider's model.
_NO_SIGNATURE = "skip_thought_signature_validator"


@dataclass(frozen=True, slots=True)
class _Context:
    """What a part may have to know of the rest of the call."""

    model: Traits
    omissions: Omissions
    names: dict[str, str]
    """The functions' names, by the ids of earlier calls."""


def conversation(
    spoken: Sequence[Message], model: Traits, omissions: Omissions
) -> tuple[_Parts, list[dict[str, Any]]]:
    """The parts of the system instruction, and the `contents`. Neighbours of a role are joined."""
    calls = (part for message in spoken for part in message.parts if isinstance(part, ToolCall))
    context = _Context(model, omissions, {call.id: call.name for call in calls})
    system: _Parts = []
    contents: list[dict[str, Any]] = []
    for index, message in enumerate(spoken):
        parts = _parts(f"spec.messages[{index}]", message, context)
        if message.role in _FRAMING:
            system.extend(parts)
            continue
        role = "model" if message.role is Role.ASSISTANT else "user"
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"].extend(parts)
        elif parts:
            contents.append({"role": role, "parts": parts})
    if model.signed_calls:
        for content in contents:
            _vouch(content["parts"])
    return system, contents


def _vouch(parts: _Parts) -> None:
    # The first of the calls of a turn must be signed.
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and "thoughtSignature" not in first:
        first["thoughtSignature"] = _NO_SIGNATURE


def _parts(path: str, message: Message, context: _Context) -> _Parts:
    if message.name:
        context.omissions.lacks(f"{path}.name")
    parts: _Parts = []
    for number, part in enumerate(message.parts):
        at = f"{path}.parts[{number}]"
        if message.role in _FRAMING and not isinstance(part, Text | ProviderPart):
            raise unsupported(NAME, at, "system instructions are text")
        wire = _kind(at, part, context)
        if wire is None:
            continue
        if part.signature:
            wire["thoughtSignature"] = base64.b64encode(part.signature).decode()
        parts.append(wire)
    return parts


def _kind(path: str, part: Part, context: _Context) -> dict[str, Any] | None:
    """A new object; None for what says nothing, or nothing that Gemini could verify."""
    match part:
        case Text() | Refusal():
            return {"text": part.text} if part.text or part.signature else None
        case Blob():
            return {"inlineData": _inline(part)}
        case MediaUri():
            return {"fileData": _file(path, part, context)}
        case ToolCall():
            return {"functionCall": _call(path, part)}
        case ToolResult():
            return {"functionResponse": _response(path, part, context)}
        case Reasoning():
            # Its proofs are binary. Plain ASCII is the proof of another provider.
            own = bool(part.signature) and not part.signature.isascii()
            return {"text": part.text, "thought": True} if own else None
        case ProviderPart() if part.provider == NAME:
            return dict(finite(NAME, f"{path}.provider_part.value", part.value))
        case ProviderPart():
            why = f"it is a part of {part.provider}"
            raise unsupported(NAME, f"{path}.provider_part", why)


def _inline(blob: Blob) -> dict[str, str]:
    return {"mimeType": blob.mime_type, "data": base64.b64encode(blob.data).decode()}


def _file(path: str, uri: MediaUri, context: _Context) -> dict[str, str]:
    if uri.detail not in ("", "auto"):
        context.omissions.lacks(f"{path}.uri.detail")
    file = {"fileUri": uri.uri}
    return {"mimeType": uri.mime_type, **file} if uri.mime_type else file


def _call(path: str, call: ToolCall) -> dict[str, Any]:
    field = f"{path}.tool_call.arguments_json"
    arguments = json_object(NAME, field, call.arguments_json or "{}")
    wire: dict[str, Any] = {"name": call.name, "args": arguments}
    return {"id": call.id, **wire} if _is_known(call.id) else wire


def _response(path: str, result: ToolResult, context: _Context) -> dict[str, Any]:
    name = result.name or context.names.get(result.tool_call_id)
    if not name:
        field = f"{path}.tool_result.name"
        raise invalid(NAME, field, "is needed: no earlier call has this id")
    texts: list[str] = []
    media: list[dict[str, Any]] = []
    for index, part in enumerate(result.parts):
        match part:
            case Text():
                texts.append(part.text)
            case Blob() if context.model.signed_calls:
                media.append({"inlineData": _inline(part)})
            case _:
                why = f"a {type(part).__name__} in a result"
                raise unsupported(NAME, f"{path}.tool_result.parts[{index}]", why)
    key = "error" if result.is_error else "output"
    wire: dict[str, Any] = {"name": name, "response": {key: "".join(texts)}}
    if media:
        wire["parts"] = media
    return {"id": result.tool_call_id, **wire} if _is_known(result.tool_call_id) else wire


def _is_known(call_id: str) -> bool:
    # Ids that are ours never go to it.
    return bool(call_id) and not call_id.startswith(OWN_ID_PREFIX)

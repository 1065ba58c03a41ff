"""Messages and parts into Gemini's JSON.

System and developer messages become the `systemInstruction`. Tool results are user turns and name
the function, not only the call. Earlier reasoning goes back only if it is signed.
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
from service.providers.gemini.response import NAME, OWN_ID_PREFIX
from service.providers.wire import Omissions, unsupported

_Parts = list[dict[str, Any]]


def conversation(spoken: Sequence[Message], omissions: Omissions) -> tuple[_Parts, _Parts]:
    """The parts of the system instruction, and the `contents`. Neighbours of a role are joined."""
    names = {
        part.id: part.name
        for message in spoken
        for part in message.parts
        if isinstance(part, ToolCall)
    }
    system: _Parts = []
    contents: _Parts = []
    for index, message in enumerate(spoken):
        path = f"spec.messages[{index}]"
        if message.name:
            omissions.lacks(f"{path}.name")
        found = [
            _part(f"{path}.parts[{number}]", part, names, omissions)
            for number, part in enumerate(message.parts)
        ]
        parts = [part for part in found if part is not None]
        if message.role in (Role.SYSTEM, Role.DEVELOPER):
            system.extend(parts)
            continue
        role = "model" if message.role is Role.ASSISTANT else "user"
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"].extend(parts)
        elif parts:
            contents.append({"role": role, "parts": parts})
    return system, contents


def _part(
    path: str, part: Part, names: dict[str, str], omissions: Omissions
) -> dict[str, Any] | None:
    wire = _kind(path, part, names, omissions)
    if wire is not None and part.signature:
        wire = {**wire, "thoughtSignature": base64.b64encode(part.signature).decode()}
    return wire


def _kind(
    path: str, part: Part, names: dict[str, str], omissions: Omissions
) -> dict[str, Any] | None:
    match part:
        case Text() | Refusal():
            return {"text": part.text}
        case Blob():
            data = base64.b64encode(part.data).decode()
            return {"inlineData": {"mimeType": part.mime_type, "data": data}}
        case MediaUri():
            if part.detail not in ("", "auto"):
                omissions.lacks(f"{path}.uri.detail")
            file = {"fileUri": part.uri}
            if part.mime_type:
                file = {"mimeType": part.mime_type, **file}
            return {"fileData": file}
        case ToolCall():
            return {"functionCall": _call(path, part)}
        case ToolResult():
            return {"functionResponse": _response(path, part, names)}
        case Reasoning():
            return {"text": part.text, "thought": True} if part.signature else None
        case ProviderPart() if part.provider == NAME:
            return dict(part.value)
        case ProviderPart():
            why = f"it is a part of {part.provider}"
            raise unsupported(NAME, f"{path}.provider_part", why)


def _call(path: str, call: ToolCall) -> dict[str, Any]:
    field = f"{path}.tool_call.arguments_json"
    try:
        arguments = orjson.loads(call.arguments_json or "{}")
    except orjson.JSONDecodeError as error:
        raise _invalid(field, f"is not JSON: {error}") from None
    wire: dict[str, Any] = {"name": call.name, "args": arguments}
    return wire if call.id.startswith(OWN_ID_PREFIX) else {"id": call.id, **wire}


def _response(path: str, result: ToolResult, names: dict[str, str]) -> dict[str, Any]:
    name = result.name or names.get(result.tool_call_id)
    if not name:
        raise _invalid(f"{path}.tool_result.name", "is needed: no earlier call has this id")
    for index, part in enumerate(result.parts):
        if not isinstance(part, Text):
            raise unsupported(NAME, f"{path}.tool_result.parts[{index}]", "results are text")
    said = "".join(part.text for part in result.parts if isinstance(part, Text))
    key = "error" if result.is_error else "result"
    wire: dict[str, Any] = {"name": name, "response": {key: said}}
    own = result.tool_call_id.startswith(OWN_ID_PREFIX)
    return wire if own else {"id": result.tool_call_id, **wire}


def _invalid(field: str, what: str) -> ProviderFailure:
    return ProviderFailure(
        ErrorReason.INVALID_REQUEST, f"{NAME}: {field} {what}", local=True, field=field
    )

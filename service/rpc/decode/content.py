"""Messages and their parts from the wire."""

from __future__ import annotations

from collections.abc import Callable

from aiprovider.v1 import content_pb2 as pb

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
from service.rpc.decode.check import Check

_ROLES = {
    pb.ROLE_SYSTEM: Role.SYSTEM,
    pb.ROLE_DEVELOPER: Role.DEVELOPER,
    pb.ROLE_USER: Role.USER,
    pb.ROLE_ASSISTANT: Role.ASSISTANT,
    pb.ROLE_TOOL: Role.TOOL,
}
_MEDIA = frozenset({"text", "blob", "uri", "provider_part"})
# Which kinds of part a role may speak; what no provider could take is refused here.
_ALLOWED = {
    Role.SYSTEM: frozenset({"text", "provider_part"}),
    Role.DEVELOPER: frozenset({"text", "provider_part"}),
    Role.USER: _MEDIA,
    Role.ASSISTANT: _MEDIA | {"tool_call", "reasoning", "refusal"},
    Role.TOOL: frozenset({"tool_result"}),
}
_DETAILS = ("", "low", "high", "auto", "original")


def messages(path: str, received: list[pb.Message], check: Check) -> tuple[Message, ...]:
    if not received:
        check.refuse(path, "must hold at least one message")
    return tuple(
        _message(f"{path}[{index}]", message, check) for index, message in enumerate(received)
    )


def _message(path: str, message: pb.Message, check: Check) -> Message:
    role = _ROLES.get(message.role)
    if role is None:
        check.refuse(f"{path}.role", "must be a role of this contract")
        role = Role.USER
    if not message.parts:
        check.refuse(f"{path}.parts", "must hold at least one part")
    allowed = _ALLOWED[role]
    parts = [
        part
        for index, received in enumerate(message.parts)
        if (part := _part(f"{path}.parts[{index}]", received, role, allowed, check)) is not None
    ]
    return Message(role, tuple(parts), message.name)


def _part(
    path: str, part: pb.Part, role: Role, allowed: frozenset[str], check: Check
) -> Part | None:
    """None when the part is refused."""
    kind = part.WhichOneof("kind")
    if kind is None:
        check.refuse(path, "must have a kind: text, blob, uri, tool_call, ...")
        return None
    if kind not in allowed:
        names = ", ".join(sorted(allowed))
        check.refuse(f"{path}.{kind}", f"a {role.value} message may hold only: {names}")
        return None
    cache_ttl_s: int | None = None
    if part.HasField("cache_hint"):
        cache_ttl_s = part.cache_hint.ttl_seconds
        check.at_least(f"{path}.cache_hint.ttl_seconds", cache_ttl_s, 0)
    return _PARTS[kind](path, part, check, cache_ttl_s)


def _text(_path: str, part: pb.Part, _check: Check, cache_ttl_s: int | None) -> Part:
    return Text(part.text, cache_ttl_s=cache_ttl_s, signature=part.signature)


def _blob(path: str, part: pb.Part, check: Check, cache_ttl_s: int | None) -> Part:
    blob = part.blob
    _mime_type(f"{path}.blob.mime_type", blob.mime_type, check)
    if not blob.data:
        check.refuse(f"{path}.blob.data", "must not be empty")
    return Blob(
        blob.mime_type,
        blob.data,
        blob.filename,
        cache_ttl_s=cache_ttl_s,
        signature=part.signature,
    )


def _uri(path: str, part: pb.Part, check: Check, cache_ttl_s: int | None) -> Part:
    uri = part.uri
    check.text(f"{path}.uri.uri", uri.uri)
    if uri.mime_type:
        _mime_type(f"{path}.uri.mime_type", uri.mime_type, check)
    if uri.detail not in _DETAILS:
        check.refuse(f"{path}.uri.detail", f"must be one of {', '.join(_DETAILS[1:])}")
    return MediaUri(
        uri.uri, uri.mime_type, uri.detail, cache_ttl_s=cache_ttl_s, signature=part.signature
    )


def _tool_call(path: str, part: pb.Part, check: Check, cache_ttl_s: int | None) -> Part:
    call = part.tool_call
    check.text(f"{path}.tool_call.id", call.id)
    check.function_name(f"{path}.tool_call.name", call.name)
    if call.arguments_json:
        check.json_object(f"{path}.tool_call.arguments_json", call.arguments_json)
    return ToolCall(
        call.id,
        call.name,
        call.arguments_json or "{}",
        cache_ttl_s=cache_ttl_s,
        signature=part.signature,
    )


def _tool_result(path: str, part: pb.Part, check: Check, cache_ttl_s: int | None) -> Part:
    result = part.tool_result
    check.text(f"{path}.tool_result.tool_call_id", result.tool_call_id)
    parts = [
        inner
        for index, received in enumerate(result.parts)
        if (
            inner := _part(f"{path}.tool_result.parts[{index}]", received, Role.TOOL, _MEDIA, check)
        )
        is not None
    ]
    return ToolResult(
        result.tool_call_id,
        tuple(parts),
        result.is_error,
        result.name,
        cache_ttl_s=cache_ttl_s,
        signature=part.signature,
    )


def _reasoning(_path: str, part: pb.Part, _check: Check, cache_ttl_s: int | None) -> Part:
    reasoning = part.reasoning
    return Reasoning(
        reasoning.text, reasoning.encrypted, cache_ttl_s=cache_ttl_s, signature=part.signature
    )


def _refusal(_path: str, part: pb.Part, _check: Check, cache_ttl_s: int | None) -> Part:
    return Refusal(part.refusal, cache_ttl_s=cache_ttl_s, signature=part.signature)


def _provider_part(path: str, part: pb.Part, check: Check, cache_ttl_s: int | None) -> Part:
    provider_part = part.provider_part
    check.text(f"{path}.provider_part.provider", provider_part.provider)
    value = check.struct(f"{path}.provider_part.value", provider_part.value)
    return ProviderPart(
        provider_part.provider, value, cache_ttl_s=cache_ttl_s, signature=part.signature
    )


_PARTS: dict[str, Callable[[str, pb.Part, Check, int | None], Part]] = {
    "text": _text,
    "blob": _blob,
    "uri": _uri,
    "tool_call": _tool_call,
    "tool_result": _tool_result,
    "reasoning": _reasoning,
    "refusal": _refusal,
    "provider_part": _provider_part,
}


def _mime_type(field: str, value: str, check: Check) -> None:
    kind, slash, subtype = value.partition("/")
    if not (kind and slash and subtype):
        check.refuse(field, f"must be a media type such as image/png, is {value!r}")

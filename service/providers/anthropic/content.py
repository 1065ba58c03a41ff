"""Messages and parts into Anthropic's JSON.

System and developer messages become the `system` prompt; those amid the conversation stay in their
place where the model takes that. Tool results are user turns. Reasoning goes back only with its
proof: a signature, or its encrypted form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from service.providers.anthropic.media import blob_block, uri_block
from service.providers.anthropic.response import NAME
from service.providers.jsontext import finite, json_object
from service.providers.wire import Omissions, unsupported

# Its caches live for five minutes, the default, or for an hour.
_SHORT = {"type": "ephemeral"}
_LONG = {"type": "ephemeral", "ttl": "1h"}
_LONG_FROM_S = 301
_CACHE_MARKS_MAX = 4
_UNCACHEABLE = frozenset({"thinking", "redacted_thinking"})
_ROLES = {
    Role.SYSTEM: "system",
    Role.DEVELOPER: "system",
    Role.USER: "user",
    Role.ASSISTANT: "assistant",
    Role.TOOL: "user",
}
_Blocks = list[dict[str, Any]]
_Turn = tuple[str, _Blocks]


def conversation(
    spoken: Sequence[Message], omissions: Omissions, *, system_amid: bool
) -> tuple[_Blocks, list[dict[str, Any]]]:
    """The `system` blocks and the `messages`. Neighbours of one role are joined.

    `system_amid` says whether the model takes system messages amid the conversation; where it does
    not, or not in that place, they join the system prompt.
    """
    turns = _joined(
        (_ROLES[message.role], _blocks(f"spec.messages[{index}]", message, omissions))
        for index, message in enumerate(spoken)
    )
    system: _Blocks = []
    kept: list[_Turn] = []
    for index, (role, blocks) in enumerate(turns):
        if role == "system" and not (system_amid and _may_stand(turns, index)):
            system.extend(blocks)
        else:
            kept.append((role, blocks))
    messages = _joined(kept)
    for role, blocks in messages:
        if role == "user":
            # Results must come first in the turn that answers the calls. The sort is stable.
            blocks.sort(key=lambda block: block.get("type") != "tool_result")
    _settle_cache_marks([system, *(blocks for _, blocks in messages)])
    return system, [{"role": role, "content": blocks} for role, blocks in messages]


def _joined(turns: Iterable[_Turn]) -> list[_Turn]:
    joined: list[_Turn] = []
    for role, blocks in turns:
        if joined and joined[-1][0] == role:
            joined[-1][1].extend(blocks)
        elif blocks:
            joined.append((role, blocks))
    return joined


def _may_stand(turns: Sequence[_Turn], index: int) -> bool:
    # After a user's turn, and before the assistant's or the end; not ahead of everything.
    follows_user = index > 0 and turns[index - 1][0] == "user"
    return follows_user and (index + 1 == len(turns) or turns[index + 1][0] == "assistant")


def _settle_cache_marks(places: Iterable[_Blocks]) -> None:
    """Hints never break a call: too many of them, and a long one after a short one, are refused."""
    marked = [block for blocks in places for block in blocks if "cache_control" in block]
    # A later mark covers what stands before it: the last ones stay.
    for block in marked[:-_CACHE_MARKS_MAX]:
        del block["cache_control"]
    long = False
    for block in reversed(marked[-_CACHE_MARKS_MAX:]):
        long = long or block["cache_control"] == _LONG
        if long:
            block["cache_control"] = _LONG


def _blocks(path: str, message: Message, omissions: Omissions) -> _Blocks:
    if message.name:
        omissions.lacks(f"{path}.name")
    framing = _ROLES[message.role] == "system"
    blocks: _Blocks = []
    for number, part in enumerate(message.parts):
        at = f"{path}.parts[{number}]"
        if framing and not isinstance(part, Text | ProviderPart):
            raise unsupported(NAME, at, "system instructions are text")
        block = _block(at, part, omissions)
        if block is not None:
            blocks.append(block)
    return blocks


def _block(path: str, part: Part, omissions: Omissions) -> dict[str, Any] | None:
    block = _kind(path, part, omissions)
    ttl_s = _cache_ttl_s(part)
    if block is not None and ttl_s is not None and block.get("type") not in _UNCACHEABLE:
        block["cache_control"] = _LONG if ttl_s >= _LONG_FROM_S else _SHORT
    return block


def _cache_ttl_s(part: Part) -> int | None:
    if part.cache_ttl_s is None and isinstance(part, ToolResult):
        # A mark inside of a result reaches as far as one on it.
        return max((p.cache_ttl_s for p in part.parts if p.cache_ttl_s is not None), default=None)
    return part.cache_ttl_s


def _kind(path: str, part: Part, omissions: Omissions) -> dict[str, Any] | None:
    """A new object; None for what Anthropic refuses and nobody misses."""
    match part:
        case Text() | Refusal():
            return {"type": "text", "text": part.text} if part.text else None
        case Blob():
            return blob_block(path, part)
        case MediaUri():
            return uri_block(path, part, omissions)
        case ToolCall():
            field = f"{path}.tool_call.arguments_json"
            arguments = json_object(NAME, field, part.arguments_json or "{}")
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}
        case ToolResult():
            return _tool_result(path, part, omissions)
        case Reasoning():
            return _reasoning(part)
        case ProviderPart() if part.provider == NAME:
            return dict(finite(NAME, f"{path}.provider_part.value", part.value))
        case ProviderPart():
            why = f"it is a part of {part.provider}"
            raise unsupported(NAME, f"{path}.provider_part", why)


def _reasoning(part: Reasoning) -> dict[str, Any] | None:
    # Anthropic's proofs are text. Bytes that are none are another provider's, and prove nothing.
    try:
        if part.encrypted:
            return {"type": "redacted_thinking", "data": part.encrypted.decode()}
        if part.signature:
            signature = part.signature.decode()
            return {"type": "thinking", "thinking": part.text, "signature": signature}
    except UnicodeDecodeError:
        pass
    return None


def _tool_result(path: str, part: ToolResult, omissions: Omissions) -> dict[str, Any]:
    found = [
        _kind(f"{path}.tool_result.parts[{index}]", inner, omissions)
        for index, inner in enumerate(part.parts)
    ]
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.tool_call_id}
    content = [block for block in found if block is not None]
    if content:
        result["content"] = content
    if part.is_error:
        result["is_error"] = True
    return result

"""Calls into the library's arguments: OpenAI's words, and what other families need beside them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import orjson

from service.domain.completion import (
    Blob,
    JsonSchemaFormat,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
)
from service.domain.provider import ProviderCall
from service.providers.openai.content import messages
from service.providers.openai.dialect import COMPATIBLE, DEEPSEEK, OPENAI, Dialect
from service.providers.openai.request import completion_body
from service.providers.wire import Omissions, merge, unsupported

_DIALECTS = {
    "openai": OPENAI,
    "deepseek": DEEPSEEK,
    "anthropic": replace(
        COMPATIBLE,
        name="anthropic",
        lacks=frozenset(
            {"sampling.seed", "sampling.frequency_penalty", "sampling.presence_penalty"}
        ),
    ),
    "gemini": replace(COMPATIBLE, name="gemini", lacks=frozenset({"tool_choice.disable_parallel"})),
}
_HOUR_FROM_S = 301
_NO_LOGPROBS = ("anthropic",)
_TRANSLATED = ("anthropic", "gemini")
_DEAF = ("anthropic",)
# They take a number of tokens to think, in Anthropic's words; it wins over an effort.
_BUDGETS = ("anthropic", "gemini")


def dialect_of(prefix: str) -> Dialect:
    return _DIALECTS.get(prefix) or replace(COMPATIBLE, name=prefix)


def completion_arguments(prefix: str, call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Arguments of `acompletion` but for model and credentials, and the spec paths left out."""
    dialect = dialect_of(prefix)
    spec = call.spec
    dropped: tuple[str, ...] = ()
    budget = spec.reasoning.budget_tokens if spec.reasoning and prefix in _BUDGETS else None
    if budget is not None and spec.reasoning is not None:
        spec = replace(spec, reasoning=replace(spec.reasoning, budget_tokens=None, effort=None))
        call = replace(call, spec=spec)
    if prefix in _NO_LOGPROBS and spec.sampling.top_logprobs is not None:
        omissions = Omissions(prefix, call.on_unsupported)
        omissions.lacks("spec.sampling.top_logprobs")
        dropped = omissions.dropped
        sampling = replace(spec.sampling, top_logprobs=None)
        call = replace(call, spec=replace(spec, sampling=sampling))
    spoken = _translatable(prefix, call.spec.messages)
    body, left_out = completion_body(
        dialect, replace(call, spec=replace(call.spec, messages=spoken))
    )
    del body["model"]
    body["messages"] = _messages(prefix, dialect, spoken)
    if budget is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    reasons = prefix == "anthropic" and ("reasoning_effort" in body or "thinking" in body)
    if reasons and call.spec.sampling.temperature is None:
        # Anthropic wants temperature 1 beside reasoning: a default must not break that.
        body.pop("temperature", None)
    if isinstance(call.spec.output_format, JsonSchemaFormat) and prefix == "deepseek":
        body["response_format"] = {"type": "json_object"}
    return body, dropped + left_out


def options_of(names: Sequence[str], call: ProviderCall) -> list[Mapping[str, Any]]:
    """Those meant for the family, then those for the provider as it is configured."""
    told = call.spec.provider_options
    return [told[name] for name in dict.fromkeys(names) if told.get(name)]


def merged(body: bytes, options: Sequence[Mapping[str, Any]]) -> bytes:
    """What the library sends, with a caller's `provider_options` laid over it.

    They are never arguments of the library: it takes its own settings from the same place, address
    and key included, and of Anthropic's it makes a field `extra_body`.
    """
    parsed: Any = orjson.loads(body) if any(options) else None
    if not isinstance(parsed, dict):
        return body
    fields = cast("dict[str, Any]", parsed)
    for option in options:
        merge(fields, option)
    return orjson.dumps(fields)


def _translatable(prefix: str, spoken: Sequence[Message]) -> tuple[Message, ...]:
    """`spoken` without what the library would lose in silence, or break on."""
    if prefix not in _TRANSLATED:
        return tuple(spoken)
    return tuple(
        replace(
            message,
            parts=tuple(
                _part(prefix, f"spec.messages[{index}].parts[{number}]", part)
                for number, part in enumerate(message.parts)
            ),
        )
        for index, message in enumerate(spoken)
    )


def _part(prefix: str, path: str, part: Part) -> Part:
    match part:
        case Refusal():
            return Text(part.text, cache_ttl_s=part.cache_ttl_s)
        case ProviderPart():
            why = "this engine translates parts, and cannot pass one through"
            raise unsupported(prefix, f"{path}.provider_part", why)
        case Blob() if prefix in _DEAF and part.mime_type.startswith("audio/"):
            raise unsupported(prefix, f"{path}.blob.mime_type", "it takes no audio")
        case _:
            return part


def _messages(prefix: str, dialect: Dialect, spoken: Sequence[Message]) -> list[dict[str, Any]]:
    wire = messages(dialect, spoken)
    if prefix not in ("anthropic", "gemini"):
        return wire
    rest = iter(wire)
    for message in spoken:
        own = [next(rest) for _ in (message.parts if message.role is Role.TOOL else (0,))]
        if message.role is Role.ASSISTANT:
            _proofs(prefix, message, own[0])
        if prefix == "anthropic" and message.role is not Role.TOOL:
            _cache_hints(message, own[0])
    return wire


def _proofs(prefix: str, message: Message, wire: dict[str, Any]) -> None:
    if prefix == "anthropic":
        blocks = [_thinking(p) for p in message.parts if isinstance(p, Reasoning)]
        proven = [block for block in blocks if block is not None]
        if proven:
            wire["thinking_blocks"] = proven
        return
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    for call, told in zip(calls, wire.get("tool_calls", ()), strict=False):
        if call.signature:
            proof = base64.b64encode(call.signature).decode()
            told["provider_specific_fields"] = {"thought_signature": proof}


def _thinking(part: Reasoning) -> dict[str, Any] | None:
    if part.encrypted:
        return {"type": "redacted_thinking", "data": part.encrypted.decode(errors="replace")}
    if part.signature:
        signature = part.signature.decode(errors="replace")
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    return None


def _cache_hints(message: Message, wire: dict[str, Any]) -> None:
    hints = [part.cache_ttl_s for part in message.parts]
    if all(hint is None for hint in hints):
        return
    if isinstance(wire["content"], str):
        wire["content"] = [{"type": "text", "text": wire["content"]}]
    blocks = cast("list[dict[str, Any]]", wire["content"])
    for hint, block in zip(hints, blocks or (), strict=False):
        if hint is not None:
            lifetime = {"ttl": "1h"} if hint >= _HOUR_FROM_S else {}
            block["cache_control"] = {"type": "ephemeral", **lifetime}

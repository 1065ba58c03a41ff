"""Calls into the library's arguments: OpenAI's words, and what other families need beside them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from service.domain.completion import JsonSchemaFormat, Message, Reasoning, Role, ToolCall
from service.domain.provider import ProviderCall
from service.providers.openai.content import messages
from service.providers.openai.dialect import COMPATIBLE, DEEPSEEK, OPENAI, Dialect
from service.providers.openai.request import completion_body
from service.providers.wire import Omissions

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


def dialect_of(prefix: str) -> Dialect:
    return _DIALECTS.get(prefix) or replace(COMPATIBLE, name=prefix)


def completion_arguments(prefix: str, call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Arguments of `acompletion` but for model and credentials, and the spec paths left out."""
    dialect = dialect_of(prefix)
    spec = call.spec
    dropped: tuple[str, ...] = ()
    if prefix in _NO_LOGPROBS and spec.sampling.top_logprobs is not None:
        omissions = Omissions(prefix, call.on_unsupported)
        omissions.lacks("spec.sampling.top_logprobs")
        dropped = omissions.dropped
        sampling = replace(spec.sampling, top_logprobs=None)
        call = replace(call, spec=replace(spec, sampling=sampling))
    body, left_out = completion_body(dialect, call)
    del body["model"]
    body["messages"] = _messages(prefix, dialect, call.spec.messages)
    reasons = prefix == "anthropic" and "reasoning_effort" in body
    if reasons and call.spec.sampling.temperature is None:
        # Anthropic wants temperature 1 beside reasoning: a default must not break that.
        body.pop("temperature", None)
    if isinstance(call.spec.output_format, JsonSchemaFormat) and prefix == "deepseek":
        body["response_format"] = {"type": "json_object"}
    options = call.spec.provider_options.get(prefix)
    if options:
        body["extra_body"] = dict(options)
    return body, dropped + left_out


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
    for hint, block in zip(hints, blocks, strict=False):
        if hint is not None:
            lifetime = {"ttl": "1h"} if hint >= _HOUR_FROM_S else {}
            block["cache_control"] = {"type": "ephemeral", **lifetime}

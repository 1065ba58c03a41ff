"""What is asked and what is answered, in no provider's format. Deterministic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.adversary.scenario import Scenario

SIGNATURE = "c2lnbmF0dXJl"
REDACTED = "b3BhcXVl"


@dataclass(slots=True)
class Ask:
    """What a request asks for, read from any family's JSON."""

    family: str
    model: str
    stream: bool = False
    text: str = ""
    prompt_chars: int = 0
    tools: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    """Names and parameter schemas."""
    forced: bool = False
    forced_name: str = ""
    after_tools: bool = False
    schema: Any = None
    json_object: bool = False
    reasoning: bool = False
    logprobs: bool = False
    max_tokens: int = 1_000_000


@dataclass(slots=True)
class Reply:
    """An answer. `finish` is OpenAI's word."""

    model: str
    reasoning: list[str]
    text: list[str]
    calls: list[tuple[str, str, str]]
    """Id, name, arguments as JSON."""
    refusal: str
    finish: str
    usage: Mapping[str, int]
    logprobs: bool
    scenario: Scenario
    redacted: bool = False


def reply_to(ask: Ask, scenario: Scenario) -> Reply:
    thinks = ask.reasoning or scenario.reasoning
    calls = [] if ask.after_tools else _calls(ask, scenario)
    words = [] if calls or scenario.refusal else _words(ask, scenario)
    finish = "tool_calls" if calls else "stop"
    if len(words) > ask.max_tokens and not (ask.schema or scenario.tokens or scenario.delta):
        words, finish = words[: ask.max_tokens], "length"
    finish = scenario.finish or finish
    reasoning = ["Let me ", "think."] if thinks else []
    rich = scenario.usage == "rich"
    usage = {
        "input": max(1, ask.prompt_chars // 4) + (100 if rich else 0),
        "output": len(words) + 3 * len(calls) + 2 * len(reasoning),
        "cached": 60 if rich else 0,
        "cache_write": 20 if rich and ask.family == "anthropic" else 0,
        "reasoning": 2 * len(reasoning),
        "audio": 5 if rich and ask.family in ("openai", "gemini") else 0,
    }
    refusal = "I cannot help with that." if scenario.refusal else ""
    return Reply(
        ask.model,
        reasoning,
        words,
        calls,
        refusal,
        finish,
        usage,
        ask.logprobs,
        scenario,
        scenario.redacted_thinking,
    )


def _words(ask: Ask, scenario: Scenario) -> list[str]:
    if scenario.delta:
        return ["x" * scenario.delta] * max(1, scenario.tokens)
    if scenario.tokens:
        return [f"w{number} " for number in range(scenario.tokens)]
    if ask.schema is not None:
        text = json.dumps(instance(ask.schema), separators=(",", ":"))
        return [text[:3], text[3:]] if len(text) > 3 else [text]
    if ask.json_object:
        return ['{"answer":', '"yes"}']
    text = f"Hello from {ask.family}: you said {ask.text[:200]!r}."
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _calls(ask: Ask, scenario: Scenario) -> list[tuple[str, str, str]]:
    if not ask.tools or not (ask.forced or scenario.tools):
        return []
    named = [tool for tool in ask.tools if not ask.forced_name or tool[0] == ask.forced_name]
    if not named:
        raise ValueError(f"tool_choice names no tool of the request: {ask.forced_name!r}")
    calls: list[tuple[str, str, str]] = []
    for number in range(max(1, scenario.tools)):
        name, schema = named[number % len(named)]
        arguments = json.dumps(instance(schema or {"type": "object"}), separators=(",", ":"))
        calls.append((f"call_{number}", name, arguments))
    return calls


_SIMPLE = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def instance(schema: Any) -> Any:
    """A value that fits a JSON schema of the plain kind that models are given."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return instance(schema[name][0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items", {"type": "string"}))]
    return _SIMPLE[kind]


def fragments(text: str, count: int = 3) -> list[str]:
    """`text` in `count` pieces, as arguments are streamed."""
    size = max(1, -(-len(text) // count))
    return [text[start : start + size] for start in range(0, len(text), size)]

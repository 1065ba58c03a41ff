"""What a client of each family sends to the adversary, and how it reads what comes back."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from service.adversary import Scenario
from service.adversary.answers import Answer, answer

FAMILIES = ("openai", "deepseek", "anthropic", "gemini")
families = pytest.mark.parametrize("family", FAMILIES)
streams = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
MODELS = {
    "openai": "gpt-4o",
    "deepseek": "deepseek-chat",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
}
KEYS = {
    "openai": {"authorization": "Bearer k"},
    "deepseek": {"authorization": "Bearer k"},
    "anthropic": {"x-api-key": "k", "anthropic-version": "2023-06-01"},
    "gemini": {"x-goog-api-key": "k"},
}
_ARGUMENTS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS: dict[str, dict[str, Any]] = {
    "openai": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": _ARGUMENTS}}]
    },
    "anthropic": {"tools": [{"name": "f", "input_schema": _ARGUMENTS}]},
    "gemini": {
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": _ARGUMENTS}]}]
    },
}
TOOLS["deepseek"] = TOOLS["openai"]


def in_name(directives: str) -> str:
    """What the header says, `a=1; b`, as a model's name says it."""
    return "".join(f"+{word}" for word in directives.split("; ") if word)


def path(family: str, directives: str = "", *, stream: bool = False) -> str:
    """What follows the base URL. Gemini's holds the model, escaped as our own service does it."""
    model = quote(MODELS[family] + directives, safe="")
    return {
        "anthropic": "/v1/messages",
        "gemini": f"/models/{model}:" + ("streamGenerateContent" if stream else "generateContent"),
    }.get(family, "/chat/completions")


def body(
    family: str, directives: str = "", *, stream: bool = False, **fields: Any
) -> dict[str, Any]:
    """A request that the family takes; `directives` begin with a plus."""
    if family == "gemini":
        return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **fields}
    asked: dict[str, Any] = {
        "model": MODELS[family] + directives,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": stream,
    }
    if family == "anthropic":
        asked["max_tokens"] = 100
    return {**asked, **fields}


def answered(family: str, directives: str = "", *, stream: bool = False, **fields: Any) -> Answer:
    """The answer without a wire."""
    return answer(
        family,
        path(family, directives, stream=stream),
        KEYS[family],
        body(family, directives, stream=stream, **fields),
        Scenario(),
        spent=lambda _model, _scenario: False,
    )


def payloads(told: Answer) -> list[Any]:
    """The JSON of a whole answer, or of every event that has some."""
    if not told.stream:
        return [json.loads(b"".join(told.pieces))]
    lines = b"".join(told.pieces).splitlines()
    data = [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")]
    return [json.loads(text) for text in data if text != b"[DONE]"]


def text_of(family: str, told: Answer) -> str:
    """The text that a client would show."""
    return "".join(_text(family, payload) for payload in payloads(told))


def _text(family: str, payload: Any) -> str:
    match family:
        case "anthropic":
            blocks = payload.get("content") or [payload.get("delta") or {}]
            return "".join(block.get("text", "") for block in blocks)
        case "gemini":
            parts = payload["candidates"][0]["content"]["parts"]
            return "".join(part.get("text", "") for part in parts if not part.get("thought"))
        case _:
            return _openai_message(payload).get("content") or ""


def calls_of(family: str, told: Answer) -> list[tuple[str, Any]]:
    """Names and arguments of the tools that are called."""
    calls: list[tuple[str, str]] = []
    for payload in payloads(told):
        for name, arguments in _call_pieces(family, payload):
            if name:
                calls.append((name, arguments))
            else:
                calls[-1] = (calls[-1][0], calls[-1][1] + arguments)
    return [(name, json.loads(arguments)) for name, arguments in calls]


def _call_pieces(family: str, payload: Any) -> list[tuple[str, str]]:
    match family:
        case "anthropic":
            if "content" in payload:
                return [
                    (block["name"], json.dumps(block["input"]))
                    for block in payload["content"]
                    if block["type"] == "tool_use"
                ]
            if payload.get("content_block", {}).get("type") == "tool_use":
                return [(payload["content_block"]["name"], "")]
            delta = payload.get("delta", {})
            return [("", delta["partial_json"])] if "partial_json" in delta else []
        case "gemini":
            parts = payload["candidates"][0]["content"]["parts"]
            called = [part["functionCall"] for part in parts if "functionCall" in part]
            return [(call["name"], json.dumps(call["args"])) for call in called]
        case _:
            called = _openai_message(payload).get("tool_calls") or []
            return [(c["function"].get("name", ""), c["function"]["arguments"]) for c in called]


def _openai_message(payload: Any) -> dict[str, Any]:
    choice = payload["choices"][0] if payload["choices"] else {}
    return choice.get("message") or choice.get("delta") or {}

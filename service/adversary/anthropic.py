"""Anthropic Messages: requests read, answers written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from service.adversary.reply import REDACTED, SIGNATURE, Ask, Reply, fragments

_KNOWN = frozenset(
    (
        "model",
        "max_tokens",
        "system",
        "messages",
        "tools",
        "tool_choice",
        "thinking",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "output_config",
        "output_format",
        "stream",
        "metadata",
        "service_tier",
        "container",
    )
)
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_KINDS: Mapping[str, tuple[int, str, str]] = {
    "content_policy": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "context_overflow": (400, "invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"),
    "quota": (400, "invalid_request_error", "Your credit balance is too low."),
    "model_missing": (404, "not_found_error", "model: nope"),
    "key_invalid": (401, "authentication_error", "invalid x-api-key"),
    "rate": (429, "rate_limit_error", "This request would exceed your rate limit."),
}
_BY_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    422: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error(kind: str, status: int) -> tuple[int, Any]:
    fallback = (status, _BY_STATUS.get(status, "api_error"), f"The server said {status}.")
    status, word, message = _KINDS.get(kind, fallback)
    return status, {"type": "error", "error": {"type": word, "message": message}}


def invalid(message: str) -> tuple[int, Any]:
    told = {"type": "invalid_request_error", "message": message}
    return 400, {"type": "error", "error": told}


def ask(body: Mapping[str, Any], *, counting: bool = False) -> Ask:
    """Raises ValueError for a request that the real server would refuse."""
    unknown = body.keys() - _KNOWN
    if unknown:
        raise ValueError(f"{min(unknown)}: Extra inputs are not permitted")
    if not counting and not body.get("max_tokens"):
        raise ValueError("max_tokens: Field required")
    messages = body.get("messages")
    if not messages:
        raise ValueError("messages: Field required")
    thinking = (body.get("thinking") or {}).get("type") == "enabled"
    if thinking and not counting:
        budget = body["thinking"]["budget_tokens"]
        if not 1024 <= budget < body["max_tokens"]:
            raise ValueError("thinking.budget_tokens: must be >= 1024 and < max_tokens")
        if body.get("temperature", 1) != 1:
            raise ValueError("`temperature` may only be set to 1 when thinking is enabled")
    choice = body.get("tool_choice") or {}
    # The second is the name that it had while it was in beta.
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    last = messages[-1]["content"]
    blocks = [{"type": "text", "text": last}] if isinstance(last, str) else last
    return Ask(
        "anthropic",
        str(body["model"]),
        bool(body.get("stream")),
        " ".join(block.get("text", f"[{block['type']}]") for block in blocks),
        len(json.dumps(messages)),
        [(t["name"], t.get("input_schema")) for t in body.get("tools") or () if "name" in t],
        choice.get("type") in ("any", "tool"),
        choice.get("name", ""),
        any(block["type"] == "tool_result" for block in blocks),
        form.get("schema"),
        False,
        thinking,
        False,
        int(body.get("max_tokens") or 1_000_000),
    )


def whole(reply: Reply) -> Any:
    answer = {**_message(reply), "content": _blocks(reply)}
    answer["stop_reason"] = None if reply.scenario.missing == "finish" else _stop_reason(reply)
    if reply.scenario.missing != "usage":
        answer["usage"] = _usage(reply)
    return answer


def events(reply: Reply) -> list[bytes]:
    told = [_event("message_start", {"message": _opening(reply)})]
    for index, block in enumerate(_blocks(reply)):
        start, deltas = _spoken(block, reply)
        told.append(_event("content_block_start", {"index": index, "content_block": start}))
        if not index:
            told.append(_event("ping", {}))
        told += [_event("content_block_delta", {"index": index, "delta": d}) for d in deltas]
        told.append(_event("content_block_stop", {"index": index}))
    stop_reason = None if reply.scenario.missing == "finish" else _stop_reason(reply)
    ending: dict[str, Any] = {"delta": {"stop_reason": stop_reason, "stop_sequence": None}}
    if reply.scenario.missing != "usage":
        ending["usage"] = {"output_tokens": reply.usage["output"]}
    told.append(_event("message_delta", ending))
    if reply.scenario.duplicate == "finish":
        told.append(told[-1])
    if reply.scenario.missing != "done":
        told.append(_event("message_stop", {}))
    if reply.scenario.duplicate == "done":
        told.append(told[-1])
    return told


def midstream_error() -> bytes:
    return _event("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})


def count(asked: Ask) -> Any:
    return {"input_tokens": max(1, asked.prompt_chars // 4)}


def _event(name: str, fields: Mapping[str, Any]) -> bytes:
    data = json.dumps({"type": name, **fields}, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


def _message(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {
        "id": "msg_adversary",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "stop_sequence": None,
    }
    if reply.scenario.unknown_fields:
        message["x_unknown"] = {"deep": [1, None]}
    return message


def _opening(reply: Reply) -> Any:
    opening: dict[str, Any] = {**_message(reply), "content": [], "stop_reason": None}
    if reply.scenario.missing != "usage":
        opening["usage"] = {**_usage(reply), "output_tokens": 1}
    return opening


def _blocks(reply: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.reasoning:
        thought = "".join(reply.reasoning)
        blocks.append({"type": "thinking", "thinking": thought, "signature": SIGNATURE})
    if reply.redacted:
        blocks.append({"type": "redacted_thinking", "data": REDACTED})
    said = "".join(reply.text) or reply.refusal
    if said:
        blocks.append({"type": "text", "text": said})
    for call_id, name, arguments in reply.calls:
        tool = {"type": "tool_use", "id": f"toolu_{call_id}", "name": name}
        blocks.append({**tool, "input": json.loads(arguments)})
    return blocks


def _spoken(block: dict[str, Any], reply: Reply) -> tuple[Any, list[Any]]:
    match block["type"]:
        case "text":
            words = reply.text or fragments(reply.refusal)
            deltas: list[Any] = [{"type": "text_delta", "text": word} for word in words]
            return {"type": "text", "text": ""}, deltas
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": t} for t in reply.reasoning]
            deltas.append({"type": "signature_delta", "signature": SIGNATURE})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "tool_use":
            text = json.dumps(block["input"], separators=(",", ":"))
            deltas = [{"type": "input_json_delta", "partial_json": ""}]
            deltas += [{"type": "input_json_delta", "partial_json": f} for f in fragments(text)]
            return {**block, "input": {}}, deltas
        case _:
            return block, []


def _stop_reason(reply: Reply) -> str:
    return "refusal" if reply.refusal else _STOP_REASONS.get(reply.finish, reply.finish)


def _usage(reply: Reply) -> dict[str, Any]:
    usage = reply.usage
    return {
        "input_tokens": usage["input"] - usage["cached"] - usage["cache_write"],
        "cache_creation_input_tokens": usage["cache_write"],
        "cache_read_input_tokens": usage["cached"],
        "output_tokens": usage["output"],
        "service_tier": "standard",
    }

"""OpenAI chat completions (and DeepSeek's dialect): requests read, answers written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from service.adversary.reply import Ask, Reply, fragments

CREATED = 1_700_000_000
_KNOWN = frozenset(
    (
        "model",
        "messages",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "thinking",
        "user",
        "metadata",
        "service_tier",
        "store",
        "n",
        "extra_body",
        "modalities",
        "prediction",
        "logit_bias",
    )
)
_STATUS_CODES: Mapping[str, tuple[int, str, str]] = {
    "content_policy": (400, "content_policy_violation", "Your request was rejected."),
    "context_overflow": (400, "context_length_exceeded", "This model's maximum context length..."),
    "quota": (429, "insufficient_quota", "You exceeded your current quota."),
    "model_missing": (404, "model_not_found", "The model does not exist."),
    "key_invalid": (401, "invalid_api_key", "Incorrect API key provided."),
    "rate": (429, "rate_limit_exceeded", "Rate limit reached."),
}


def error(kind: str, status: int) -> tuple[int, Any]:
    """The status and the body of an error, by its kind or by its status."""
    status, code, message = _STATUS_CODES.get(kind, (status, None, f"The server said {status}."))
    return status, {"error": {"message": message, "type": "error", "param": None, "code": code}}


def invalid(message: str) -> tuple[int, Any]:
    return 400, {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    }


def ask(family: str, body: Mapping[str, Any]) -> Ask:
    """Raises ValueError for a request that the real server would refuse."""
    unknown = body.keys() - _KNOWN
    if unknown:
        raise ValueError(f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
    messages = body.get("messages")
    if not messages:
        raise ValueError("Missing required parameter: 'messages'.")
    form = body.get("response_format") or {}
    choice = body.get("tool_choice")
    thinking = (body.get("thinking") or {}).get("type") == "enabled"
    return Ask(
        family,
        str(body["model"]),
        bool(body.get("stream")),
        _last_text(messages),
        sum(len(json.dumps(message.get("content"))) for message in messages),
        [
            (tool["function"]["name"], tool["function"].get("parameters"))
            for tool in body.get("tools") or ()
            if tool.get("type") == "function"
        ],
        choice == "required" or isinstance(choice, dict),
        choice["function"]["name"] if isinstance(choice, dict) else "",
        messages[-1]["role"] == "tool",
        (form.get("json_schema") or {}).get("schema"),
        form.get("type") == "json_object",
        thinking or "reasoner" in str(body["model"]),
        bool(body.get("logprobs")),
        int(body.get("max_completion_tokens") or body.get("max_tokens") or 1_000_000),
    )


def _last_text(messages: list[Any]) -> str:
    content = messages[-1].get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", f"[{part['type']}]") for part in content)


def whole(family: str, reply: Reply) -> Any:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(reply.text) or None,
        "refusal": reply.refusal or None,
    }
    if reply.reasoning:
        message["reasoning_content"] = "".join(reply.reasoning)
    if reply.calls:
        message["tool_calls"] = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": a}}
            for i, n, a in reply.calls
        ]
    tokens = {"content": [_logprob(word) for word in reply.text], "refusal": None}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": tokens if reply.logprobs else None,
        "finish_reason": reply.finish,
    }
    if reply.scenario.missing == "finish":
        choice["finish_reason"] = None
    answer = {**_head(reply, "chat.completion"), "choices": [choice]}
    if reply.scenario.missing != "usage":
        answer["usage"] = _usage(family, reply)
    return answer


def events(family: str, reply: Reply) -> list[bytes]:
    head = _head(reply, "chat.completion.chunk")
    chunks: list[Any] = [_chunk(head, {"role": "assistant", "content": ""})]
    chunks += [_chunk(head, {"reasoning_content": thought}) for thought in reply.reasoning]
    for word in reply.text:
        tokens = {"content": [_logprob(word)], "refusal": None} if reply.logprobs else None
        chunks.append(_chunk(head, {"content": word}, logprobs=tokens))
    if reply.refusal:
        chunks += [_chunk(head, {"refusal": piece}) for piece in fragments(reply.refusal)]
    for index, (call_id, name, arguments) in enumerate(reply.calls):
        opening = {"name": name, "arguments": ""}
        call = {"index": index, "id": call_id, "type": "function", "function": opening}
        chunks.append(_chunk(head, {"tool_calls": [call]}))
        chunks += [
            _chunk(head, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
            for piece in fragments(arguments)
        ]
    if reply.scenario.missing != "finish":
        chunks.append(_chunk(head, {}, finish=reply.finish))
        if reply.scenario.duplicate == "finish":
            chunks.append(chunks[-1])
    if reply.scenario.missing != "usage":
        chunks.append({**head, "choices": [], "usage": _usage(family, reply)})
    done = {"done": 2}.get(reply.scenario.duplicate, 1)
    if reply.scenario.missing == "done":
        done = 0
    return [_event(chunk) for chunk in chunks] + [b"data: [DONE]\n\n"] * done


def midstream_error() -> bytes:
    error = {"message": "The server had an error.", "type": "server_error", "code": "server_error"}
    return _event({"error": error})


def _event(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def _head(reply: Reply, kind: str) -> dict[str, Any]:
    head: dict[str, Any] = {
        "id": "chatcmpl-adversary",
        "object": kind,
        "created": CREATED,
        "model": reply.model,
        "system_fingerprint": "fp_adversary",
        "service_tier": "default",
    }
    if reply.scenario.unknown_fields:
        head["x_unknown"] = {"deep": [1, None]}
    return head


def _chunk(
    head: Mapping[str, Any], delta: Any, *, finish: str | None = None, logprobs: Any = None
) -> Any:
    choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return {**head, "choices": [choice], "usage": None}


def _logprob(word: str) -> Any:
    told = {"token": word, "logprob": -0.25, "bytes": list(word.encode())}
    return {**told, "top_logprobs": [told]}


def _usage(family: str, reply: Reply) -> Any:
    usage = reply.usage
    told: dict[str, Any] = {
        "prompt_tokens": usage["input"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cached"]},
        "completion_tokens_details": {"reasoning_tokens": usage["reasoning"]},
    }
    if family == "deepseek":
        told["prompt_cache_hit_tokens"] = usage["cached"]
        told["prompt_cache_miss_tokens"] = usage["input"] - usage["cached"]
    else:
        told["prompt_tokens_details"]["audio_tokens"] = usage["audio"]
        told["completion_tokens_details"]["audio_tokens"] = 0
    if reply.scenario.usage == "priced":
        # As OpenRouter does.
        told["cost"] = 0.000123457
    return told


def embeddings(body: Mapping[str, Any]) -> Any:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    size = int(body.get("dimensions") or 8)
    rows = [
        {"object": "embedding", "index": index, "embedding": vector(text, size)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(len(text) // 4 + 1 for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": body["model"], "usage": usage}


def vector(text: str, size: int) -> list[float]:
    """Depends on the text alone."""
    seed = sum(text.encode()) % 97
    return [((seed + 7 * index) % 97 - 48) / 64 for index in range(size)]

"""Gemini generateContent: requests read, answers written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from service.adversary.openai import vector
from service.adversary.reply import SIGNATURE, Ask, Reply, fragments

_KNOWN = frozenset(
    (
        "contents",
        "systemInstruction",
        "system_instruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "safetySettings",
        "cachedContent",
        "labels",
    )
)
_FINISH_REASONS = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
_KEY_INVALID = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
_DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
}
_RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
_KINDS: Mapping[str, tuple[int, str, str, list[Any]]] = {
    "context_overflow": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (2) exceeds the maximum number of tokens allowed (1).",
        [],
    ),
    "quota": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [_DAILY]),
    "model_missing": (404, "NOT_FOUND", "models/nope is not found.", []),
    "key_invalid": (400, "INVALID_ARGUMENT", "API key not valid.", [_KEY_INVALID]),
    "rate": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.", [_RETRY]),
}
_BY_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error(kind: str, status: int) -> tuple[int, Any]:
    if kind == "content_policy":
        feedback = {"blockReason": "PROHIBITED_CONTENT"}
        return 200, {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4}}
    fallback = (status, _BY_STATUS.get(status, "UNKNOWN"), f"The server said {status}.", [])
    status, word, message, details = _KINDS.get(kind, fallback)
    fields = {"code": status, "message": message, "status": word, "details": details}
    return status, {"error": fields}


def invalid(message: str) -> tuple[int, Any]:
    return 400, {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


def ask(model: str, body: Mapping[str, Any], *, stream: bool) -> Ask:
    """Raises ValueError for a request that the real server would refuse."""
    unknown = body.keys() - _KNOWN
    if unknown:
        raise ValueError(f'Invalid JSON payload received. Unknown name "{min(unknown)}"')
    contents = body.get("contents")
    if not contents:
        raise ValueError("contents is not specified")
    config = _camel(body.get("generationConfig") or {})
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    last = contents[-1]["parts"]
    return Ask(
        "gemini",
        model,
        stream,
        " ".join(part.get("text", f"[{min(part)}]") for part in last),
        len(json.dumps(contents)),
        [
            (function["name"], function.get("parametersJsonSchema") or function.get("parameters"))
            for tool in body.get("tools") or ()
            for function in _camel(tool).get("functionDeclarations") or ()
        ],
        calling.get("mode") == "ANY",
        (calling.get("allowedFunctionNames") or [""])[0],
        any("functionResponse" in part for part in last),
        config.get("responseJsonSchema") or config.get("responseSchema"),
        config.get("responseMimeType") == "application/json",
        bool(_camel(config.get("thinkingConfig") or {}).get("includeThoughts")),
        bool(config.get("responseLogprobs")),
        int(config.get("maxOutputTokens") or 1_000_000),
    )


def _camel(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """`fields` by their camelCase names: the real server takes both spellings."""
    return {_camel_name(name): value for name, value in fields.items()}


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def whole(reply: Reply) -> Any:
    parts: list[Any] = []
    if reply.reasoning:
        parts.append({"text": "".join(reply.reasoning), "thought": True})
    if reply.text or reply.refusal:
        parts.append({"text": "".join(reply.text) or reply.refusal})
    parts += _call_parts(reply)
    return _chunk(reply, parts, last=True)


def events(reply: Reply) -> list[bytes]:
    chunks = [_chunk(reply, [{"text": t, "thought": True}]) for t in reply.reasoning]
    words = reply.text or fragments(reply.refusal)
    chunks += [_chunk(reply, [{"text": word}], word=word) for word in words]
    chunks += [_chunk(reply, [part]) for part in _call_parts(reply)]
    chunks.append(_chunk(reply, [{"text": ""}] if reply.text else [], last=True))
    if reply.scenario.duplicate:
        chunks.append(chunks[-1])
    return [
        b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\r\n\r\n"
        for chunk in chunks
    ]


def midstream_error() -> bytes:
    _, body = error("", 503)
    return b"data: " + json.dumps(body).encode() + b"\r\n\r\n"


def count(asked: Ask) -> Any:
    return {"totalTokens": max(1, asked.prompt_chars // 4)}


def embeddings(body: Mapping[str, Any]) -> Any:
    rows: list[Any] = []
    for request in body["requests"]:
        text = request["content"]["parts"][0]["text"]
        rows.append({"values": vector(text, int(request.get("outputDimensionality") or 8))})
    return {"embeddings": rows}


def _call_parts(reply: Reply) -> list[Any]:
    parts: list[Any] = []
    for number, (_, name, arguments) in enumerate(reply.calls):
        part: dict[str, Any] = {"functionCall": {"name": name, "args": json.loads(arguments)}}
        if not number:
            # As Gemini does: the first of parallel calls carries the proof.
            part["thoughtSignature"] = SIGNATURE
        parts.append(part)
    return parts


def _chunk(reply: Reply, parts: list[Any], *, last: bool = False, word: str = "") -> Any:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last and reply.scenario.missing != "finish":
        candidate["finishReason"] = _FINISH_REASONS.get(reply.finish, reply.finish)
    if reply.logprobs and (word or last):
        words = [word] if word else reply.text if len(parts) and parts[0].get("text") else []
        chosen = [{"token": w, "logProbability": -0.25} for w in words]
        tops = [{"candidates": [token]} for token in chosen]
        candidate["logprobsResult"] = {"topCandidates": tops, "chosenCandidates": chosen}
    chunk: dict[str, Any] = {
        "candidates": [candidate],
        "modelVersion": reply.model,
        "responseId": "adversary-response",
    }
    if reply.scenario.unknown_fields:
        chunk["xUnknown"] = {"deep": [1, None]}
    if reply.scenario.missing != "usage":
        chunk["usageMetadata"] = _usage(reply)
    return chunk


def _usage(reply: Reply) -> Any:
    usage = reply.usage
    told: dict[str, Any] = {
        "promptTokenCount": usage["input"],
        "candidatesTokenCount": usage["output"] - usage["reasoning"],
        "totalTokenCount": usage["input"] + usage["output"],
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage["input"]}],
    }
    if usage["cached"]:
        told["cachedContentTokenCount"] = usage["cached"]
    if usage["reasoning"]:
        told["thoughtsTokenCount"] = usage["reasoning"]
    if usage["audio"]:
        audio = {"modality": "AUDIO", "tokenCount": usage["audio"]}
        told["promptTokensDetails"].append(audio)
    return told

"""What an error of this family means. Tables; never raises, whatever the body is.

A code or type that names the fault outranks the status; a status outranks the rest. A message is
read for one fault only, which compatible servers name by nothing else: a context that is too long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.failures import BY_STATUS

_MESSAGE_MAX_CHARS = 500

_BY_CODE = {
    "context_length_exceeded": Reason.CONTEXT_WINDOW_EXCEEDED,
    "exceed_context_size_error": Reason.CONTEXT_WINDOW_EXCEEDED,
    "string_above_max_length": Reason.INVALID_REQUEST,
    "content_policy_violation": Reason.CONTENT_POLICY_VIOLATION,
    "content_filter": Reason.CONTENT_POLICY_VIOLATION,
    "insufficient_quota": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "billing_hard_limit_reached": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "billing_not_active": Reason.PROVIDER_QUOTA_EXHAUSTED,
    "rate_limit_exceeded": Reason.PROVIDER_RATE_LIMITED,
    "model_not_found": Reason.PROVIDER_MODEL_MISSING,
    "invalid_api_key": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "unsupported_parameter": Reason.UNSUPPORTED_PARAMETER,
    "unsupported_value": Reason.UNSUPPORTED_PARAMETER,
}
# For errors inside a 200 answer, which have no status of their own.
_BY_TYPE = {
    "invalid_request_error": Reason.INVALID_REQUEST,
    "BadRequestError": Reason.INVALID_REQUEST,
    "authentication_error": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "permission_error": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "rate_limit_error": Reason.PROVIDER_RATE_LIMITED,
    "timeout": Reason.PROVIDER_TIMEOUT,
}
_CONTEXT_WORDS = re.compile(
    r"maximum context length|exceeds? the (?:available |model'?s? )?(?:maximum )?context",
    re.IGNORECASE,
)
_FIELDS = {
    "model": "spec.model",
    "messages": "spec.messages",
    "tools": "spec.tools",
    "tool_choice": "spec.tool_choice",
    "parallel_tool_calls": "spec.tool_choice.disable_parallel",
    "response_format": "spec.output_format",
    "reasoning_effort": "spec.reasoning.effort",
    "max_tokens": "spec.sampling.max_output_tokens",
    "max_completion_tokens": "spec.sampling.max_output_tokens",
    "logprobs": "spec.sampling.top_logprobs",
    **{
        name: f"spec.sampling.{name}"
        for name in (
            "temperature",
            "top_p",
            "top_k",
            "stop",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "top_logprobs",
        )
    },
}


def failure(provider: str, status: int, body: bytes) -> ProviderFailure:
    """What an answer with this status and body means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    return _failure(provider, status, _error(parsed))


def reported(provider: str, error: Any) -> ProviderFailure:
    """What an error means that stands inside a 200 answer, `error` being its JSON."""
    fields = _error({"error": error})
    return _failure(provider, _status(fields.get("code")), fields)


def _failure(provider: str, status: int, error: Mapping[str, Any]) -> ProviderFailure:
    words = tuple(word for key in ("code", "type") if isinstance(word := error.get(key), str))
    message = _message(error.get("message")) or _fallback(status, words)
    reason = _reason(status, words, message)
    if reason is Reason.PROVIDER_CREDENTIALS_REJECTED and status != 403:
        # Providers quote the key that they reject.
        message = "it rejected the configured credentials"
    param = error.get("param")
    field = _FIELDS.get(param, "") if isinstance(param, str) else ""
    return ProviderFailure(reason, f"{provider}: {message}", http_status=status, field=field)


def _reason(status: int, words: tuple[str, ...], message: str) -> Reason:
    named = next((_BY_CODE[word] for word in words if word in _BY_CODE), None)
    if named is not None:
        return named
    reason = BY_STATUS.get(status)
    if reason is None and not status:
        reason = next((_BY_TYPE[word] for word in words if word in _BY_TYPE), None)
    if reason is Reason.INVALID_REQUEST and _CONTEXT_WORDS.search(message):
        return Reason.CONTEXT_WINDOW_EXCEEDED
    return reason or Reason.PROVIDER_UNAVAILABLE


def _error(parsed: Any) -> Mapping[str, Any]:
    # {"error": {...}}, {"error": "..."}, {"message": ...}, {"detail": ...}: all are in use.
    if not isinstance(parsed, dict):
        return {}
    fields = cast("dict[str, Any]", parsed)
    inner: Any = fields.get("error", fields)
    if not isinstance(inner, dict):
        return {"message": inner}
    found = cast("dict[str, Any]", inner)
    return found if found.get("message") else {**found, "message": _detail(found.get("detail"))}


def _detail(detail: Any) -> Any:
    # FastAPI's: a sentence, or a list of mistakes of which the first says enough.
    while isinstance(detail, list) and detail:
        detail = cast("list[Any]", detail)[0]
    return cast("dict[str, Any]", detail).get("msg") if isinstance(detail, dict) else detail


def _message(value: Any) -> str:
    # Cut first: a body of megabytes is not worth tidying.
    return (
        " ".join(value[: 2 * _MESSAGE_MAX_CHARS].split())[:_MESSAGE_MAX_CHARS]
        if (isinstance(value, str))
        else ""
    )


def _fallback(status: int, words: tuple[str, ...]) -> str:
    said = f"HTTP status {status}" if status else "an error without a message"
    return f"{said} ({words[0][:80]})" if words else said


def _status(code: Any) -> int:
    if isinstance(code, str) and len(code) == 3 and code.isascii() and code.isdigit():
        code = int(code)
    if isinstance(code, int) and not isinstance(code, bool) and 100 <= code <= 599:
        return code
    return 0

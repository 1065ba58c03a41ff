"""What an error of Gemini means. Tables; never raises, whatever the body is."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason

_MESSAGE_MAX_CHARS = 500
_BY_STATUS_WORD = {
    "INVALID_ARGUMENT": Reason.INVALID_REQUEST,
    # Billing or region: the service's account is at fault, not the caller.
    "FAILED_PRECONDITION": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "UNAUTHENTICATED": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "PERMISSION_DENIED": Reason.PROVIDER_CREDENTIALS_REJECTED,
    "NOT_FOUND": Reason.PROVIDER_MODEL_MISSING,
    "RESOURCE_EXHAUSTED": Reason.PROVIDER_RATE_LIMITED,
    "DEADLINE_EXCEEDED": Reason.PROVIDER_TIMEOUT,
    "INTERNAL": Reason.PROVIDER_UNAVAILABLE,
    "UNAVAILABLE": Reason.PROVIDER_UNAVAILABLE,
}
_BY_STATUS = {
    400: Reason.INVALID_REQUEST,
    401: Reason.PROVIDER_CREDENTIALS_REJECTED,
    402: Reason.PROVIDER_QUOTA_EXHAUSTED,
    403: Reason.PROVIDER_CREDENTIALS_REJECTED,
    404: Reason.PROVIDER_MODEL_MISSING,
    408: Reason.PROVIDER_TIMEOUT,
    413: Reason.INVALID_REQUEST,
    422: Reason.INVALID_REQUEST,
    429: Reason.PROVIDER_RATE_LIMITED,
    504: Reason.PROVIDER_TIMEOUT,
}
_CONTEXT_WORDS = re.compile(r"token count.{0,40}exceeds|maximum number of tokens", re.IGNORECASE)
_DAILY = re.compile(r"per_?day", re.IGNORECASE)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s\Z")


def failure(status: int, body: bytes) -> ProviderFailure:
    """What an answer with this status and body means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, list) and parsed:
        # A stream that fails at once answers a JSON array.
        parsed = cast("list[Any]", parsed)[0]
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return reported(error, status)


def reported(error: Any, status: int = 0) -> ProviderFailure:
    """What an `error` object means; inside a stream it carries its own status."""
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    code = fields.get("code")
    if not status and isinstance(code, int):
        status = code
    message = str(fields.get("message") or f"HTTP status {status}")[:_MESSAGE_MAX_CHARS]
    details = _details(fields)
    reason = _BY_STATUS_WORD.get(str(fields.get("status"))) or _BY_STATUS.get(
        status, Reason.PROVIDER_UNAVAILABLE
    )
    if reason is Reason.INVALID_REQUEST:
        if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            reason = Reason.PROVIDER_CREDENTIALS_REJECTED
        elif _CONTEXT_WORDS.search(message):
            reason = Reason.CONTEXT_WINDOW_EXCEEDED
    elif reason is Reason.PROVIDER_RATE_LIMITED and _spent_for_today(details):
        reason = Reason.PROVIDER_QUOTA_EXHAUSTED
    return ProviderFailure(
        reason,
        f"gemini: {message}",
        http_status=status,
        retry_after_s=_retry_after_s(details),
    )


def _details(fields: dict[str, Any]) -> list[dict[str, Any]]:
    details = fields.get("details")
    if not isinstance(details, list):
        return []
    return [cast("dict[str, Any]", d) for d in cast("list[Any]", details) if isinstance(d, dict)]


def _spent_for_today(details: list[dict[str, Any]]) -> bool:
    return any(_DAILY.search(str(detail.get("violations", ""))) for detail in details)


def _retry_after_s(details: list[dict[str, Any]]) -> float | None:
    for detail in details:
        found = _DELAY.match(str(detail.get("retryDelay", "")))
        if found:
            return float(found[1])
    return None

"""What an error of Gemini means. Tables; never raises, whatever the body is."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.failures import BY_STATUS
from service.telemetry.redaction import Redactor

_MESSAGE_MAX_CHARS = 500
_RETRY_AFTER_MAX_S = 86_400.0
_BY_STATUS_WORD = {
    "INVALID_ARGUMENT": Reason.INVALID_REQUEST,
    "OUT_OF_RANGE": Reason.INVALID_REQUEST,
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
# One word covers many faults of a request; only the message tells these apart.
_INVALID_BY_WORDS = (
    (
        re.compile(r"token count.{0,40}exceeds|maximum number of tokens", re.IGNORECASE),
        Reason.CONTEXT_WINDOW_EXCEEDED,
    ),
    (
        re.compile(r"api key (?:not |is not |has )?(?:valid|found|expired)", re.IGNORECASE),
        Reason.PROVIDER_CREDENTIALS_REJECTED,
    ),
    (
        re.compile(r"safety polic|prohibited use|content polic", re.IGNORECASE),
        Reason.CONTENT_POLICY_VIOLATION,
    ),
)
_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_DAILY = re.compile(r"per_?day", re.IGNORECASE)
_UNPAID = re.compile(r"plan and billing|prepa(?:id|yment)|credits", re.IGNORECASE)
_DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s\Z")
_REDACTOR = Redactor()


def failure(status: int, body: bytes) -> ProviderFailure:
    """What an answer with this status and body means."""
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, list) and parsed:
        # A stream that fails at once answers a JSON array.
        parsed = cast("list[Any]", parsed)[0]
    error = cast("dict[str, Any]", parsed).get("error") if isinstance(parsed, dict) else None
    return reported(error, status)


def reported(error: Any, status: int = 0) -> ProviderFailure:
    """What an `error` object means; inside a stream it carries its own status."""
    fields = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    status = status or _status(fields.get("code"))
    message = _message(fields.get("message"))
    details = _details(fields.get("details"))
    word = fields.get("status")
    reason = _BY_STATUS_WORD.get(word) if isinstance(word, str) else None
    reason = reason or BY_STATUS.get(status, Reason.PROVIDER_UNAVAILABLE)
    if not message:
        message = f"HTTP status {status}" if status else "an error without a message"
    retry_after_s = _retry_after_s(details)
    return ProviderFailure(
        _refined(reason, message, details, waits=retry_after_s is not None),
        f"gemini: {message}",
        http_status=status,
        retry_after_s=retry_after_s,
    )


def _refined(reason: Reason, message: str, details: list[dict[str, Any]], *, waits: bool) -> Reason:
    if reason is Reason.INVALID_REQUEST:
        if any(_word(detail, "reason") in _KEY_REASONS for detail in details):
            return Reason.PROVIDER_CREDENTIALS_REJECTED
        found = (meaning for words, meaning in _INVALID_BY_WORDS if words.search(message))
        return next(found, reason)
    if reason is Reason.PROVIDER_RATE_LIMITED:
        # One status for a busy minute and for a spent day; a day's quota is no matter of waiting.
        if any(_is_daily(detail) for detail in details):
            return Reason.PROVIDER_QUOTA_EXHAUSTED
        if not waits and _UNPAID.search(message):
            return Reason.PROVIDER_QUOTA_EXHAUSTED
    return reason


def _status(code: Any) -> int:
    whole = isinstance(code, int) and not isinstance(code, bool)
    return code if whole and 100 <= code <= 599 else 0


def _message(told: Any) -> str:
    # Cut first: a body of megabytes is not worth tidying. Then masked, for some quote the key.
    if not isinstance(told, str):
        return ""
    tidy = " ".join(told[: 2 * _MESSAGE_MAX_CHARS].split())
    return _REDACTOR.text(tidy)[:_MESSAGE_MAX_CHARS]


def _details(told: Any) -> list[dict[str, Any]]:
    if not isinstance(told, list):
        return []
    return [cast("dict[str, Any]", d) for d in cast("list[Any]", told) if isinstance(d, dict)]


def _word(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _is_daily(detail: dict[str, Any]) -> bool:
    metadata = detail.get("metadata")
    quotas = [cast("dict[str, Any]", metadata)] if isinstance(metadata, dict) else []
    quotas += _details(detail.get("violations"))
    names = (_word(quota, name) for quota in quotas for name in ("quotaId", "quota_limit"))
    return any(_DAILY.search(name) for name in names)


def _retry_after_s(details: list[dict[str, Any]]) -> float | None:
    for detail in details:
        found = _DELAY.match(_word(detail, "retryDelay"))
        if found:
            return min(float(found[1]), _RETRY_AFTER_MAX_S)
    return None

"""After a failed attempt: is another candidate tried, and what is the caller told when none is
left?

Both answers are tables. Nothing here waits or retries; the router carries the verdict out.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from service.domain.attempt import Attempt
from service.domain.errors import FieldViolation, ProviderFailure, ServiceFailure
from service.domain.reasons import ErrorReason


class Verdict(Enum):
    NEXT = "next"
    """Try the next candidate."""
    NEXT_MODEL = "next_model"
    """Only a candidate for another model can help: a configured or asked-for fallback."""
    STOP = "stop"
    """No candidate would do better, or none may be asked."""


_VERDICTS = {
    ErrorReason.INVALID_REQUEST: Verdict.STOP,
    ErrorReason.CONTENT_POLICY_VIOLATION: Verdict.STOP,
    ErrorReason.CONTEXT_WINDOW_EXCEEDED: Verdict.NEXT_MODEL,
    ErrorReason.PROVIDER_MODEL_MISSING: Verdict.NEXT,
    ErrorReason.PROVIDER_CREDENTIALS_REJECTED: Verdict.NEXT,
    ErrorReason.PROVIDER_QUOTA_EXHAUSTED: Verdict.NEXT,
    ErrorReason.PROVIDER_RATE_LIMITED: Verdict.NEXT,
    ErrorReason.PROVIDER_UNAVAILABLE: Verdict.NEXT,
    ErrorReason.PROVIDER_TIMEOUT: Verdict.NEXT,
    ErrorReason.PROVIDER_RESPONSE_INVALID: Verdict.NEXT,
}

# When candidates failed for different reasons the caller is told the most hopeful one: what a
# retry could mend first.
_MOST_HOPEFUL_FIRST = (
    ErrorReason.PROVIDER_UNAVAILABLE,
    ErrorReason.PROVIDER_TIMEOUT,
    ErrorReason.PROVIDER_RATE_LIMITED,
    ErrorReason.PROVIDER_RESPONSE_INVALID,
    ErrorReason.PROVIDER_QUOTA_EXHAUSTED,
    ErrorReason.PROVIDER_MODEL_MISSING,
    ErrorReason.PROVIDER_CREDENTIALS_REJECTED,
    ErrorReason.CONTEXT_WINDOW_EXCEEDED,
    ErrorReason.UNSUPPORTED_PARAMETER,
)


def verdict(failure: ProviderFailure) -> Verdict:
    """What a failure before the first delta means for the remaining candidates."""
    if failure.reason is ErrorReason.UNSUPPORTED_PARAMETER:
        # Found before the provider was asked, it says nothing about other providers.
        return Verdict.NEXT if failure.local else Verdict.STOP
    return _VERDICTS[failure.reason]


def surrender(
    failures: Sequence[ProviderFailure], attempts: tuple[Attempt, ...], *, stopped: bool
) -> ServiceFailure:
    """What the caller is told when `failures` (at least one, in order) are all there is.

    A failure that `stopped` the walk speaks for itself; else the most hopeful one does.
    """
    told = failures[-1] if stopped else min(failures, key=_hope)
    waits = [f.retry_after_s for f in failures if f.retry_after_s is not None]
    violations = (FieldViolation(told.field, told.message),) if told.field else ()
    return ServiceFailure(
        told.reason,
        _sentence(told, attempts),
        violations=violations,
        retry_after_s=min(waits) if waits else None,
        attempts=attempts,
        usage=next((f.usage for f in failures if f.usage is not None), None),
    )


def _hope(failure: ProviderFailure) -> int:
    reason = failure.reason
    if reason in _MOST_HOPEFUL_FIRST:
        return _MOST_HOPEFUL_FIRST.index(reason)
    return len(_MOST_HOPEFUL_FIRST)


def _sentence(told: ProviderFailure, attempts: tuple[Attempt, ...]) -> str:
    if len(attempts) <= 1:
        return told.message
    return f"{told.message} (tried: {'; '.join(str(attempt) for attempt in attempts)})"

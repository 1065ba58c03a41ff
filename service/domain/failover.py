"""After a failed attempt: who is to blame, who is tried next, and what is the caller told at last?

The answers are tables. Nothing here waits or retries; the walk carries the verdict out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from functools import reduce
from typing import NamedTuple

from service.domain.attempt import Attempt
from service.domain.completion import Usage
from service.domain.errors import FieldViolation, ProviderFailure, ServiceFailure
from service.domain.reasons import ErrorReason


class Blame(Enum):
    """Whose fault a failure is: only a provider's own counts against it."""

    PROVIDER = "provider"
    QUOTA = "quota"
    """It asks to be spared; it is not ill."""
    CALLER = "caller"
    """It was answered: the provider is alive."""
    NOBODY = "nobody"
    """It was never asked, or the caller left."""


class Verdict(Enum):
    RETRY_SAME = "retry_same"
    """Ask the same candidate once more, at once: it never saw the request."""
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

_BLAME = {
    ErrorReason.INVALID_REQUEST: Blame.CALLER,
    ErrorReason.UNSUPPORTED_PARAMETER: Blame.CALLER,
    ErrorReason.CONTENT_POLICY_VIOLATION: Blame.CALLER,
    ErrorReason.CONTEXT_WINDOW_EXCEEDED: Blame.CALLER,
    ErrorReason.PROVIDER_QUOTA_EXHAUSTED: Blame.QUOTA,
    ErrorReason.PROVIDER_RATE_LIMITED: Blame.QUOTA,
}
_PUSHBACK_STATUSES = frozenset({429, 503, 529})
# What may be mended by asking those again who have failed once, after a while.
_AGAIN = frozenset({ErrorReason.PROVIDER_UNAVAILABLE})

BUDGET_SHARE = 0.2
BUDGET_PER_S = 10.0
BUDGET_TTL_S = 10.0
BACKOFF_S = 0.1
BACKOFF_MAX_S = 2.0

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


def blame(failure: ProviderFailure) -> Blame:
    if failure.local:
        return Blame.NOBODY
    return _BLAME.get(failure.reason, Blame.PROVIDER)


def is_pushback(failure: ProviderFailure) -> bool:
    """Whether the provider asks for fewer attempts at once."""
    return (
        failure.http_status in _PUSHBACK_STATUSES
        or failure.reason is ErrorReason.PROVIDER_RATE_LIMITED
    )


def worth_another_round(failures: Sequence[ProviderFailure]) -> bool:
    """Whether candidates that have all failed may be asked again, after `backoff_s`."""
    return any(failure.reason in _AGAIN for failure in failures)


def backoff_s(round_number: int, draw: float) -> float:
    """Full jitter: anything up to 0.1 s, doubled with each round. `draw` is in [0, 1)."""
    return draw * min(BACKOFF_S * 2.0**round_number, BACKOFF_MAX_S)


class RetryBudget(NamedTuple):
    """How many further attempts a replica may make: a fifth of its requests, and 10 a second.

    After Finagle's retry budget: what is not used fades within 10 s. `balance` is as of `at`.
    """

    balance: float = BUDGET_PER_S * BUDGET_TTL_S
    at: float = 0.0

    def asked(self, now: float) -> RetryBudget:
        """After a request has come."""
        return RetryBudget(self._balance(now) + BUDGET_SHARE, now)

    def spent(self, now: float) -> RetryBudget | None:
        """After a further attempt; None when nothing is left for it."""
        balance = self._balance(now)
        return RetryBudget(balance - 1.0, now) if balance >= 1.0 else None

    def _balance(self, now: float) -> float:
        idle = BUDGET_PER_S * BUDGET_TTL_S
        return idle + (self.balance - idle) * math.exp(-max(0.0, now - self.at) / BUDGET_TTL_S)


def verdict(failure: ProviderFailure) -> Verdict:
    """What a failure before the first delta means for the remaining candidates."""
    if failure.unheard:
        return Verdict.RETRY_SAME
    if failure.reason is ErrorReason.UNSUPPORTED_PARAMETER:
        # Found before the provider was asked, it says nothing about other providers.
        return Verdict.NEXT if failure.local else Verdict.STOP
    return _VERDICTS[failure.reason]


def surrender(
    failures: Sequence[ProviderFailure],
    attempts: tuple[Attempt, ...],
    stopped: ProviderFailure | None = None,
) -> ServiceFailure:
    """What the caller is told when `failures` (at least one, in order) are all there is.

    A failure that `stopped` the walk speaks for itself; else the most hopeful one does.
    """
    told = stopped or min(failures, key=_hope)
    hopeful = (told,) if stopped else failures
    waits = [f.retry_after_s for f in hopeful if f.retry_after_s is not None]
    violations = (FieldViolation(told.field, told.message),) if told.field else ()
    return ServiceFailure(
        told.reason,
        _sentence(told, attempts),
        violations=violations,
        retry_after_s=min(waits) if waits else None,
        attempts=attempts,
        usage=_consumed(failures),
    )


def _consumed(failures: Sequence[ProviderFailure]) -> Usage | None:
    """What failed attempts consumed together, None if no provider said."""
    told = [failure.usage for failure in failures if failure.usage is not None]
    if not told:
        return None
    return reduce(Usage.__add__, told)


def _hope(failure: ProviderFailure) -> int:
    reason = failure.reason
    if reason in _MOST_HOPEFUL_FIRST:
        return _MOST_HOPEFUL_FIRST.index(reason)
    return len(_MOST_HOPEFUL_FIRST)


def _sentence(told: ProviderFailure, attempts: tuple[Attempt, ...]) -> str:
    if len(attempts) <= 1:
        return told.message
    return f"{told.message} (tried: {'; '.join(str(attempt) for attempt in attempts)})"

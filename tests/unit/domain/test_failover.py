"""What a failure means for the rest, whose fault it is, and what the caller is told at last."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.attempt import Attempt, Outcome
from service.domain.completion import Usage
from service.domain.errors import FieldViolation, ProviderFailure
from service.domain.failover import (
    Blame,
    Verdict,
    blame,
    is_pushback,
    surrender,
    verdict,
    worth_another_round,
)
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason

# Every reason that an adapter may give, what follows, and whose fault it is.
TABLE = {
    ErrorReason.INVALID_REQUEST: (Verdict.STOP, Blame.CALLER),
    ErrorReason.UNSUPPORTED_PARAMETER: (Verdict.STOP, Blame.CALLER),
    ErrorReason.CONTENT_POLICY_VIOLATION: (Verdict.STOP, Blame.CALLER),
    ErrorReason.CONTEXT_WINDOW_EXCEEDED: (Verdict.NEXT_MODEL, Blame.CALLER),
    ErrorReason.PROVIDER_MODEL_MISSING: (Verdict.NEXT, Blame.PROVIDER),
    ErrorReason.PROVIDER_CREDENTIALS_REJECTED: (Verdict.NEXT, Blame.PROVIDER),
    ErrorReason.PROVIDER_QUOTA_EXHAUSTED: (Verdict.NEXT, Blame.QUOTA),
    ErrorReason.PROVIDER_RATE_LIMITED: (Verdict.NEXT, Blame.QUOTA),
    ErrorReason.PROVIDER_UNAVAILABLE: (Verdict.NEXT, Blame.PROVIDER),
    ErrorReason.PROVIDER_TIMEOUT: (Verdict.NEXT, Blame.PROVIDER),
    ErrorReason.PROVIDER_RESPONSE_INVALID: (Verdict.NEXT, Blame.PROVIDER),
}
TARGET = ModelRef("p", "m")


def failure(reason: ErrorReason, message: str = "x", **fields: Any) -> ProviderFailure:
    return ProviderFailure(reason, message, **fields)


def test_the_table_is_whole() -> None:
    """Every reason that names a provider, or the caller's own request, is in the table."""
    assert TABLE.keys() == {
        reason
        for reason in ErrorReason
        if reason.name.startswith(("PROVIDER_", "CONTE", "INVALID_", "UNSUPPORTED_"))
    }


@pytest.mark.parametrize("reason", TABLE)
def test_verdict_and_blame(reason: ErrorReason) -> None:
    """Whatever a provider does, it is known whether to go on, and whom it speaks against."""
    assert TABLE[reason] == (verdict(failure(reason)), blame(failure(reason)))


@pytest.mark.parametrize("reason", TABLE)
def test_unheard(reason: ErrorReason) -> None:
    """Whoever never saw the request is asked once more."""
    assert Verdict.RETRY_SAME is verdict(failure(reason, unheard=True))


@pytest.mark.parametrize("reason", TABLE)
def test_never_asked(reason: ErrorReason) -> None:
    """What is found without asking speaks against nobody."""
    assert Blame.NOBODY is blame(failure(reason, local=True))


def test_a_parameter_that_one_lacks() -> None:
    """A parameter that an adapter cannot say may be no trouble for the next provider."""
    assert Verdict.NEXT is verdict(failure(ErrorReason.UNSUPPORTED_PARAMETER, local=True))
    assert Verdict.STOP is verdict(failure(ErrorReason.INVALID_REQUEST, local=True))


@pytest.mark.parametrize(
    ("reason", "http_status", "expected"),
    [
        (ErrorReason.PROVIDER_RATE_LIMITED, 429, True),
        (ErrorReason.PROVIDER_RATE_LIMITED, 0, True),
        (ErrorReason.PROVIDER_QUOTA_EXHAUSTED, 429, True),
        (ErrorReason.PROVIDER_QUOTA_EXHAUSTED, 402, False),
        (ErrorReason.PROVIDER_UNAVAILABLE, 503, True),
        (ErrorReason.PROVIDER_UNAVAILABLE, 529, True),
        (ErrorReason.PROVIDER_UNAVAILABLE, 500, False),
        (ErrorReason.PROVIDER_UNAVAILABLE, 0, False),
        (ErrorReason.PROVIDER_TIMEOUT, 504, False),
        (ErrorReason.INVALID_REQUEST, 400, False),
    ],
)
def test_pushback(reason: ErrorReason, http_status: int, *, expected: bool) -> None:
    """429, 503 and 529 ask for fewer attempts at once."""
    assert expected is is_pushback(failure(reason, http_status=http_status))


@pytest.mark.parametrize("reason", TABLE)
def test_another_round(reason: ErrorReason) -> None:
    """Only those who were not there may be asked again, after a while."""
    expected = reason is ErrorReason.PROVIDER_UNAVAILABLE
    others = [failure(ErrorReason.PROVIDER_QUOTA_EXHAUSTED)]

    assert expected is worth_another_round([*others, failure(reason)])
    assert not worth_another_round([])


HOPE = [
    ErrorReason.PROVIDER_UNAVAILABLE,
    ErrorReason.PROVIDER_TIMEOUT,
    ErrorReason.PROVIDER_RATE_LIMITED,
    ErrorReason.PROVIDER_RESPONSE_INVALID,
    ErrorReason.PROVIDER_QUOTA_EXHAUSTED,
    ErrorReason.PROVIDER_MODEL_MISSING,
    ErrorReason.PROVIDER_CREDENTIALS_REJECTED,
    ErrorReason.CONTEXT_WINDOW_EXCEEDED,
    ErrorReason.UNSUPPORTED_PARAMETER,
    ErrorReason.INVALID_REQUEST,
]


@pytest.mark.parametrize("place", range(len(HOPE)))
def test_surrender_tells_the_most_hopeful(place: int) -> None:
    """When candidates failed differently, the caller is told what a retry could mend first."""
    failures = [failure(reason) for reason in reversed(HOPE[place:])]

    assert HOPE[place] is surrender(failures, ()).reason


def test_what_stopped_speaks_for_itself() -> None:
    """What stopped the walk is told, however hopeful the failures before it were."""
    stop = failure(ErrorReason.INVALID_REQUEST, "no such role", field="spec.messages[0].role")

    told = surrender([failure(ErrorReason.PROVIDER_UNAVAILABLE), stop], (), stop)

    assert (ErrorReason.INVALID_REQUEST, "no such role") == (told.reason, told.message)
    assert (FieldViolation("spec.messages[0].role", "no such role"),) == told.violations


def test_the_soonest_retry() -> None:
    """The caller is told the soonest of the times that the candidates named, if any did."""
    limited = [
        failure(ErrorReason.PROVIDER_RATE_LIMITED, retry_after_s=s) for s in (9.0, 4.0, None)
    ]

    assert 4.0 == surrender(limited, ()).retry_after_s
    assert surrender(limited[2:], ()).retry_after_s is None


def test_nothing_to_wait_for() -> None:
    """A request that no retry mends comes with no time to retry at."""
    stop = failure(ErrorReason.INVALID_REQUEST)
    limited = failure(ErrorReason.PROVIDER_RATE_LIMITED, retry_after_s=4.0)

    assert surrender([limited, stop], (), stop).retry_after_s is None


def test_what_was_consumed() -> None:
    """What failed attempts consumed is told together."""
    failures = [failure(ErrorReason.PROVIDER_UNAVAILABLE, usage=Usage(10, 2)) for _ in range(2)]
    guessed = failure(ErrorReason.PROVIDER_TIMEOUT, usage=Usage(1, 1, estimated=True))

    assert Usage(20, 4) == surrender(failures, ()).usage
    assert Usage(21, 5, estimated=True) == surrender([*failures, guessed], ()).usage


def test_consumption_of_one() -> None:
    """Where one attempt told what it consumed, the caller is told."""
    failures = [failure(ErrorReason.PROVIDER_TIMEOUT)]
    failures.append(failure(ErrorReason.PROVIDER_UNAVAILABLE, usage=Usage(10, 2)))

    assert Usage(10, 2) == surrender(failures, ()).usage
    assert surrender(failures[:1], ()).usage is None


def test_the_sentence() -> None:
    """After several attempts the message tells each one; after one it would only repeat itself."""
    first = Attempt(TARGET, Outcome.FAILED, 0.1, ErrorReason.PROVIDER_TIMEOUT)
    second = Attempt(TARGET, Outcome.CANCELLED, 0.25, hedge=True)
    failures = [failure(ErrorReason.PROVIDER_TIMEOUT, "too slow")]

    one, two = surrender(failures, (first,)), surrender(failures, (first, second))

    assert ("too slow", (first,)) == (one.message, one.attempts)
    assert (
        "too slow (tried: p/m failed PROVIDER_TIMEOUT 100 ms; p/m cancelled 250 ms (hedge))"
        == two.message
    )

"""What nobody can answer is not asked again for a while."""

from __future__ import annotations

import pytest

from service.domain.attempt import Attempt, Outcome
from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.pipeline.known_failures import DETERMINISTIC, KnownFailures
from tests.kit.virtual import Clock

TRIED = (Attempt(ModelRef("p", "m"), Outcome.FAILED, 0.1, ErrorReason.INVALID_REQUEST),)


def failure(
    reason: ErrorReason = ErrorReason.CONTEXT_WINDOW_EXCEEDED,
    attempts: tuple[Attempt, ...] = TRIED,
) -> ServiceFailure:
    return ServiceFailure(reason, "too long", attempts=attempts)


def test_for_a_while() -> None:
    """It is known for its time, tells for how long, and is another failure each time."""
    clock = Clock()
    known = KnownFailures(clock)
    told = failure()
    known.remember(b"k", told, 30.0)
    clock.now += 29.0
    found, again = known.find(b"k"), known.find(b"k")
    clock.now += 1.0

    assert found is not None
    assert (told.reason, told.message, 29.0, ()) == (
        found.reason,
        found.message,
        found.known_for_s,
        found.attempts,
    )
    assert found is not again
    assert known.find(b"k") is None
    assert known.find(b"other") is None


@pytest.mark.parametrize("reason", ErrorReason)
def test_what_is_remembered(reason: ErrorReason) -> None:
    """Only faults of the request itself are, and only if a provider found them."""
    known = KnownFailures(Clock())
    known.remember(b"asked", failure(reason), 30.0)
    known.remember(b"not asked", failure(reason, ()), 30.0)
    known.remember(b"switched off", failure(reason), 0.0)

    assert (reason in DETERMINISTIC) == (known.find(b"asked") is not None)
    assert known.find(b"not asked") is None
    assert known.find(b"switched off") is None


def test_it_is_bounded() -> None:
    """Ten thousand different failures leave four thousand, the newest."""
    known = KnownFailures(Clock())
    for number in range(10_000):
        known.remember(b"%d" % number, failure(), 30.0)

    assert "<KnownFailures 4096>" == repr(known)
    assert known.find(b"9999") is not None
    assert known.find(b"0") is None


def test_what_has_expired_leaves() -> None:
    """Nothing waits for somebody to ask for it."""
    clock = Clock()
    known = KnownFailures(clock)
    for number in range(100):
        known.remember(b"%d" % number, failure(), 30.0)
    clock.now += 31.0
    known.remember(b"new", failure(), 30.0)

    assert "<KnownFailures 1>" == repr(known)

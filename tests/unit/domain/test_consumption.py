"""What an attempt consumed, whatever became of it."""

from __future__ import annotations

import pytest

from service.domain.attempt import Attempt, Outcome
from service.domain.completion import Usage
from service.domain.consumption import NOTHING, consumed_by_failure, cost_of_all, usage_of_all
from service.domain.cost import FREE, UNPRICED, Cost, Provenance
from service.domain.errors import ProviderFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason as Reason

PROMPT = 100
GUESS = Usage(PROMPT, estimated=True)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ProviderFailure(Reason.UNSUPPORTED_PARAMETER, "x", local=True), None),
        (ProviderFailure(Reason.PROVIDER_RATE_LIMITED, "x", http_status=429), NOTHING),
        (ProviderFailure(Reason.PROVIDER_UNAVAILABLE, "x", http_status=503), NOTHING),
        (ProviderFailure(Reason.PROVIDER_TIMEOUT, "x", http_status=504), NOTHING),
        (ProviderFailure(Reason.PROVIDER_UNAVAILABLE, "cannot be reached"), NOTHING),
        (ProviderFailure(Reason.PROVIDER_UNAVAILABLE, "lost", unheard=True), NOTHING),
        (ProviderFailure(Reason.PROVIDER_UNAVAILABLE, "broke", http_status=200), GUESS),
        (ProviderFailure(Reason.PROVIDER_TIMEOUT, "silent"), GUESS),
        (ProviderFailure(Reason.PROVIDER_RESPONSE_INVALID, "no JSON"), GUESS),
        (ProviderFailure(Reason.CONTENT_POLICY_VIOLATION, "x", usage=Usage(4)), Usage(4)),
    ],
)
def test_a_failure_before_anything_was_heard(
    failure: ProviderFailure, expected: Usage | None
) -> None:
    """A refusal consumed nothing; whoever worked on the prompt has read it."""
    assert expected == consumed_by_failure(failure, PROMPT, 0)


def test_what_was_heard_counts() -> None:
    """After the first word the status of the failure does not matter any more."""
    failure = ProviderFailure(Reason.PROVIDER_UNAVAILABLE, "x", http_status=529)

    assert Usage(PROMPT, 3, estimated=True) == consumed_by_failure(failure, PROMPT, 9)


def test_all_attempts_together() -> None:
    """The sum of what is known; None where nobody was asked."""
    known = Cost(Provenance.COMPUTED, input=7, price_version="v")
    attempts = [_attempt(None, None), _attempt(NOTHING, FREE), _attempt(Usage(3, 1), known)]

    assert (Usage(3, 1), known) == (usage_of_all(attempts), cost_of_all(attempts))
    assert (None, None) == (usage_of_all(attempts[:1]), cost_of_all(attempts[:1]))


def test_one_unknown_makes_the_sum_unknown() -> None:
    """What is missing is never taken for nothing."""
    attempts = [_attempt(Usage(3), Cost(Provenance.COMPUTED, input=7)), _attempt(GUESS, UNPRICED)]
    cost = cost_of_all(attempts)

    assert cost is not None
    assert (7, False) == (cost.total, cost.is_known)


def _attempt(usage: Usage | None, cost: Cost | None) -> Attempt:
    return Attempt(ModelRef("p", "m"), Outcome.FAILED, 0.1, usage=usage, cost=cost)

"""What one candidate is: the table of `domain/health.py`."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Circuit, Trip
from service.domain.errors import ProviderFailure
from service.domain.health import Checked, Finding, Status, finding, serves_from, status
from service.domain.reasons import ErrorReason
from tests.unit.health.scenes import candidate, opened

NOW = 100.0
PRESENT = Checked(90.0, 0.1, Finding.PRESENT)
ABSENT = Checked(90.0, 0.1, Finding.ABSENT, ErrorReason.PROVIDER_UNAVAILABLE)
SPARED = Checked(90.0, 0.1, Finding.SPARED, ErrorReason.PROVIDER_RATE_LIMITED)
NOTHING = Checked(90.0, 0.1, Finding.NOTHING)
ROWS: list[tuple[str, dict[str, Any], Checked | None, Status]] = [
    ("asked of late", {}, None, Status.HEALTHY),
    ("asked of late, and checked", {}, PRESENT, Status.HEALTHY),
    ("not asked of late", {"known": False}, None, Status.UNKNOWN),
    ("not asked, no call to check by", {"known": False}, NOTHING, Status.UNKNOWN),
    ("not asked, but checked", {"known": False}, PRESENT, Status.HEALTHY),
    ("open", {"circuit": Circuit.OPEN}, PRESENT, Status.UNHEALTHY),
    ("half-open", {"circuit": Circuit.HALF_OPEN}, PRESENT, Status.DEGRADED),
    ("half-open, and not there", {"circuit": Circuit.HALF_OPEN}, ABSENT, Status.UNHEALTHY),
    ("under 4 of 10", {"quality": 0.39}, PRESENT, Status.UNHEALTHY),
    ("under 8 of 10", {"quality": 0.79}, PRESENT, Status.DEGRADED),
    ("not there", {}, ABSENT, Status.UNHEALTHY),
    ("not there, never asked", {"known": False}, ABSENT, Status.UNHEALTHY),
    ("answered since", {"answered_at": 91.0}, ABSENT, Status.HEALTHY),
    ("asks to be spared, in a check", {}, SPARED, Status.DEGRADED),
    ("asks to be spared, never asked", {"known": False}, SPARED, Status.DEGRADED),
    ("quota spent", {"quota_until": NOW + 1}, None, Status.DEGRADED),
    ("quota restored", {"quota_until": NOW}, None, Status.HEALTHY),
]


@pytest.mark.parametrize(
    ("fields", "check", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_table(fields: dict[str, Any], check: Checked | None, expected: Status) -> None:
    """Live traffic first, then the check; a failed check counts until something is answered."""
    assert expected == status(candidate(**fields), check, NOW)


@pytest.mark.parametrize(
    ("first_token_s", "count", "expected"),
    [(0.79, 10, Status.HEALTHY), (0.81, 10, Status.DEGRADED), (9.0, 9, Status.HEALTHY)],
)
def test_slow(first_token_s: float, count: int, expected: Status) -> None:
    """It is slow when four times its usual first token is expected, once that is known."""
    samples = (0.2,) * count
    one = candidate(first_token_s=first_token_s, first_tokens=samples, first_token_p95_s=0.2)

    assert expected == status(one, None, NOW)


@given(
    st.sampled_from([PRESENT, ABSENT, SPARED, NOTHING, None]),
    st.floats(0, 1),
    st.floats(-1e3, 1e3),
    st.booleans(),
)
def test_a_check_closes_no_circuit(
    check: Checked | None, quality: float, answered_at: float, known: bool
) -> None:
    """An open circuit is UNHEALTHY whatever a check found."""
    one = opened(quality=quality, answered_at=answered_at, known=known)

    assert Status.UNHEALTHY is status(one, check, NOW)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (ErrorReason.PROVIDER_UNAVAILABLE, Finding.ABSENT),
        (ErrorReason.PROVIDER_TIMEOUT, Finding.ABSENT),
        (ErrorReason.PROVIDER_CREDENTIALS_REJECTED, Finding.ABSENT),
        (ErrorReason.PROVIDER_RESPONSE_INVALID, Finding.ABSENT),
        (ErrorReason.PROVIDER_RATE_LIMITED, Finding.SPARED),
        (ErrorReason.PROVIDER_QUOTA_EXHAUSTED, Finding.SPARED),
        (ErrorReason.INVALID_REQUEST, Finding.NOTHING),
    ],
)
def test_finding(reason: ErrorReason, expected: Finding) -> None:
    """A fault speaks against the provider, a refusal for its quota; a question it cannot take,
    for nothing.
    """
    assert expected is finding(ProviderFailure(reason, "no"))


ONE, TWO = ("one", ""), ("two", "")


@pytest.mark.parametrize(
    ("deployments", "candidates", "expected"),
    [
        ([], [], math.inf),
        ([ONE], [], 0.0),
        ([ONE], [opened(until=7.0)], 7.0),
        ([ONE], [opened(until=7.0), candidate(model="n")], 0.0),
        ([ONE], [opened(until=7.0), opened(until=5.0, model="n")], 5.0),
        ([ONE, TWO], [opened(until=7.0)], 0.0),
        ([ONE, TWO], [opened(until=7.0), opened("two", 6.0)], 6.0),
        ([ONE], [opened(until=7.0), candidate("gone")], 7.0),
        ([ONE], [candidate(circuit=Circuit.HALF_OPEN)], 0.0),
        ([ONE], [opened(trip=Trip.SHARE)], 0.0),
        ([ONE], [opened(trip=Trip.IN_A_ROW)], 10.0),
        ([ONE], [candidate(quota_until=NOW)], 0.0),
        ([ONE, ("one", "b")], [opened(), opened(until=3.0, deployment="b")], 3.0),
    ],
)
def test_serves_from(deployments: Any, candidates: Any, expected: float) -> None:
    """Somebody can be asked unless every deployment is known to be shut; flaky ones are not."""
    assert expected == serves_from(deployments, candidates)


def test_a_model_that_is_missing_shuts_nobody_out() -> None:
    """Callers who ask for a model that a provider does not have cannot take it out of service."""
    gone = opened(error_reason=ErrorReason.PROVIDER_MODEL_MISSING, error_at=5.0)

    assert gone.missing
    assert 0.0 == serves_from([ONE], [gone])

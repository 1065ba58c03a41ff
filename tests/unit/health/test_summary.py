"""What a provider is: the sum of its candidates."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.breaker import Circuit
from service.domain.health import CandidateHealth, Checked, Deployment, Finding, Status
from service.domain.health_summary import Snapshot, model_healths, overall, provider_healths
from service.domain.limit import UNLIMITED
from service.domain.reasons import ErrorReason
from tests.unit.health.scenes import candidate, opened

NOW = 100.0
PRESENT = Checked(90.0, 0.1, Finding.PRESENT)
ABSENT = Checked(90.0, 5.0, Finding.ABSENT, ErrorReason.PROVIDER_TIMEOUT)
Checks = dict[Deployment, Checked]


def snapshot(*candidates: CandidateHealth, checks: Checks | None = None, **more: Any) -> Snapshot:
    """Of the providers `one` (with `more` deployments) and `two`; `off` is switched off."""
    configured = {"two": ("",), "off": (), "one": ("", *more.get("deployments", ()))}
    return Snapshot(NOW, configured, candidates, checks or {})


def one(*candidates: CandidateHealth, **more: Any) -> Any:
    """The summary of `one`."""
    return provider_healths(snapshot(*candidates, **more))[-1]


def test_order() -> None:
    """Every configured provider is told of once, in configured order, those switched off too."""
    healths = provider_healths(snapshot(candidate("one"), candidate("stranger")))

    assert [("two", "unknown"), ("off", "disabled"), ("one", "healthy")] == [
        (health.provider, health.status.value) for health in healths
    ]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([], Status.UNKNOWN),
        ([candidate(), candidate(model="n")], Status.HEALTHY),
        ([candidate(), opened(model="n")], Status.DEGRADED),
        ([opened(), opened(model="n")], Status.UNHEALTHY),
        ([candidate(), candidate(model="n", known=False, in_flight=1)], Status.HEALTHY),
        (
            [candidate(), candidate(model="n", known=False, circuit=Circuit.HALF_OPEN)],
            Status.HEALTHY,
        ),
        ([candidate(known=False, circuit=Circuit.HALF_OPEN)], Status.DEGRADED),
        ([candidate(), candidate(model="n", quota_until=NOW + 9)], Status.DEGRADED),
        (
            [candidate(), opened(error_reason=ErrorReason.PROVIDER_MODEL_MISSING, error_at=9.0)],
            Status.HEALTHY,
        ),
    ],
)
def test_together(candidates: list[CandidateHealth], expected: Status) -> None:
    """A provider is what its candidates of late are, DEGRADED where they differ; models that it
    does not have do not count.
    """
    assert expected is one(*candidates).status


def test_only_missing_models() -> None:
    """Who was asked for nothing but models that it does not have is what its check says."""
    gone = opened(error_reason=ErrorReason.PROVIDER_MODEL_MISSING, error_at=9.0)

    assert Status.UNKNOWN is one(gone).status
    assert Circuit.CLOSED is one(gone).circuit
    assert Status.HEALTHY is one(gone, checks={("one", ""): PRESENT}).status


def test_deployments() -> None:
    """Each deployment is judged by its own check; one of which nothing is known counts by it."""
    checks = {("one", ""): PRESENT, ("one", "b"): ABSENT}
    health = one(candidate(), deployments=["b"], checks=checks)

    assert Status.DEGRADED is health.status
    assert ErrorReason.PROVIDER_TIMEOUT is health.error_reason
    assert 90.0 == health.error_at
    assert ABSENT is health.check, "the slowest"


def test_numbers() -> None:
    """Counts and samples of all candidates together; the best circuit; the last error."""
    first = opened(
        until=130.0,
        successes=6.0,
        faults=2.2,
        durations=[1.0, 3.0],
        first_tokens=[0.2, 0.4],
        error_reason=ErrorReason.PROVIDER_TIMEOUT,
        error_at=50.0,
        in_flight=2,
        limit=4.0,
    )
    second = candidate(
        model="n",
        successes=2.0,
        durations=[2.0, 4.0, 5.0],
        first_tokens=[0.3],
        error_reason=ErrorReason.PROVIDER_UNAVAILABLE,
        error_at=60.0,
        in_flight=1,
        limit=3.0,
    )
    health = one(first, second)

    assert Circuit.CLOSED is health.circuit
    assert 10 == health.attempt_count
    assert pytest.approx(8.0 / 10.2) == health.success_ratio
    assert (3.0, 5.0) == (health.latency_p50_s, health.latency_p95_s)
    assert 0.3 == health.first_token_p50_s
    assert (ErrorReason.PROVIDER_UNAVAILABLE, 60.0) == (health.error_reason, health.error_at)
    assert (3, 7.0) == (health.in_flight, health.limit)
    assert 0.0 == health.cooldown_until, "the second may be asked"
    assert health.check is None


def test_one_without_a_limit() -> None:
    """A provider has no limit while one of its candidates has none."""
    assert UNLIMITED == one(candidate(limit=3.0), candidate(model="n")).limit


def test_cooldown() -> None:
    """A provider may be asked again when its first candidate may: circuit and quota both count."""
    first = opened(until=130.0, quota_until=140.0)
    second = opened(until=150.0, model="n")

    assert 140.0 == one(first, second).cooldown_until
    assert 0.0 == one().cooldown_until


def test_nothing_known() -> None:
    """Without attempts the ratio is what is believed of anybody, and latencies are not told."""
    health = one(candidate(successes=0.3, known=False))

    assert 0.9 == health.success_ratio
    assert 0 == health.attempt_count
    assert None is health.latency_p50_s


def test_score() -> None:
    """The score is that of the policy `composite`: success, time against the fastest, health."""
    fast = candidate("two", quality=1.0, first_token_s=0.1, token_s=0.01)
    slow = candidate("one", quality=0.5, first_token_s=0.2, token_s=0.02)
    scores = [health.score for health in provider_healths(snapshot(fast, slow))]

    assert pytest.approx([1.0, 0.0, 0.4 * 0.5 + 0.3 * 0.5 + 0.3 * 0.5]) == scores


def test_models() -> None:
    """One entry for each model at each deployment that is known, and none for what is not."""
    healths = model_healths(
        snapshot(
            candidate(model="n"),
            candidate(deployment="b"),
            opened("two", error_reason=ErrorReason.PROVIDER_MODEL_MISSING, error_at=9.0),
            candidate("stranger"),
            deployments=["b"],
        )
    )

    assert [("two", "m", ""), ("one", "n", ""), ("one", "m", "b")] == [
        (health.provider, health.model, health.deployment) for health in healths
    ]
    assert Status.UNHEALTHY is healths[0].status


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([candidate(), opened("two")], Status.HEALTHY),
        ([candidate(quality=0.7), opened("two")], Status.DEGRADED),
        ([opened(), opened("two")], Status.UNHEALTHY),
        ([opened()], Status.UNKNOWN),
    ],
)
def test_overall(candidates: list[CandidateHealth], expected: Status) -> None:
    """The service is as healthy as its best provider."""
    assert expected is overall(provider_healths(snapshot(*candidates)))


def test_overall_of_nobody() -> None:
    """Where nothing is switched on, nothing is."""
    assert Status.DISABLED is overall([])

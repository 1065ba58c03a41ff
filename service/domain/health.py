"""How a candidate does: live traffic first, then what the last unbilled check found. Pure.

    a candidate                                               | is
    ----------------------------------------------------------+----------
    its circuit is open                                       | UNHEALTHY
    the check failed, and nothing was answered since          | UNHEALTHY
    under 4 of 10 attempts succeed                            | UNHEALTHY
    half-open; under 8 of 10 succeed; slow; asks to be spared | DEGRADED
    asked of late                                             | HEALTHY
    not asked of late, but the check was answered             | HEALTHY
    otherwise                                                 | UNKNOWN

A check moves no circuit: only attempts do. How candidates make a provider: `health_summary.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from service.domain.breaker import Circuit, Trip
from service.domain.errors import ProviderFailure
from service.domain.failover import Blame, blame
from service.domain.limit import UNLIMITED
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import Standing, View, standing
from service.domain.timeouts import SLOWER_THAN_USUAL

USUAL_SAMPLES_MIN = 10
"""From so many first tokens on it is known what is usual."""

Deployment = tuple[str, str]
"""A provider, and one of its deployments ("" for its own): what a check is made of."""


class Status(Enum):
    """From best to worst."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    UNHEALTHY = "unhealthy"
    DISABLED = "disabled"


class Finding(Enum):
    """What a check tells."""

    PRESENT = "present"
    ABSENT = "absent"
    SPARED = "spared"
    """It is there, and asks not to be asked now."""
    NOTHING = "nothing"
    """There is no unbilled call for it, or ours made no sense to it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that ended at `at`. `reason` is None unless it failed."""

    at: float
    duration_s: float
    finding: Finding
    reason: ErrorReason | None = None


class CandidateHealth(NamedTuple):
    """What is known of a candidate at one moment. Moments are in the clock of `now`.

    `successes` and `faults` fade with time. `durations` (of answers) and `first_tokens` are of
    late, in seconds, the shortest first. `answered_at` is when it last understood a request,
    whatever it said; `error_reason` is that of the last failure, None if there was none.
    """

    view: View
    successes: float = 0.0
    faults: float = 0.0
    durations: Sequence[float] = ()
    first_tokens: Sequence[float] = ()
    first_token_p95_s: float | None = None
    answered_at: float = -math.inf
    error_reason: ErrorReason | None = None
    error_at: float = 0.0

    @property
    def target(self) -> ModelRef:
        return self.view.candidate.target

    @property
    def deployment(self) -> Deployment:
        target = self.view.candidate.target
        return target.provider, target.deployment

    @property
    def missing(self) -> bool:
        """Whether its provider has no such model: that tells nothing of the provider."""
        gone = self.error_reason is ErrorReason.PROVIDER_MODEL_MISSING
        return gone and self.answered_at < self.error_at


class ProviderHealth(NamedTuple):
    """How a provider does, or one model of it (`model` is not empty then).

    Latencies are None without answers of late. `cooldown_until` is 0 when it may be asked now.
    `limit` is UNLIMITED unless it was met. `check` is None if none told anything.
    """

    provider: str
    status: Status
    circuit: Circuit = Circuit.CLOSED
    model: str = ""
    deployment: str = ""
    success_ratio: float = 0.0
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None
    first_token_p50_s: float | None = None
    attempt_count: int = 0
    error_reason: ErrorReason | None = None
    error_at: float = 0.0
    cooldown_until: float = 0.0
    score: float = 0.0
    in_flight: int = 0
    limit: float = UNLIMITED
    check: Checked | None = None

    def __repr__(self) -> str:
        place = f"@{self.deployment}" if self.deployment else ""
        model = f"/{self.model}" if self.model else ""
        who = f"{self.provider}{place}{model}"
        return f"<{who} {self.status.value}, circuit {self.circuit.value}>"


def finding(failure: ProviderFailure) -> Finding:
    """What a failed check tells."""
    match blame(failure):
        case Blame.PROVIDER:
            return Finding.ABSENT
        case Blame.QUOTA:
            return Finding.SPARED
        case _:
            return Finding.NOTHING


def status(candidate: CandidateHealth, check: Checked | None, now: float) -> Status:
    """The table above."""
    view = candidate.view
    found = Finding.NOTHING if check is None else check.finding
    stands = standing(view)
    absent = check is not None and found is Finding.ABSENT and candidate.answered_at <= check.at
    if absent or stands is Standing.UNHEALTHY:
        return Status.UNHEALTHY
    spared = found is Finding.SPARED or view.quota_until > now
    if spared or stands is Standing.DEGRADED or _slow(candidate):
        return Status.DEGRADED
    if stands is Standing.UNKNOWN and found is not Finding.PRESENT:
        return Status.UNKNOWN
    return Status.HEALTHY


def cooldown_until(view: View, now: float) -> float:
    """When it may be asked again; 0 if it may be now."""
    until = view.quota_until if view.quota_until > now else 0.0
    return max(until, view.circuit_until) if view.circuit is Circuit.OPEN else until


def serves_from(deployments: Iterable[Deployment], candidates: Iterable[CandidateHealth]) -> float:
    """When anybody can be asked: 0 for now, infinity when only a new configuration helps.

    A deployment of which nothing is known can be. Spent quotas count for nothing: they are not ill.
    """
    moments: dict[Deployment, list[float]] = {deployment: [] for deployment in deployments}
    for candidate in candidates:
        known = moments.get(candidate.deployment)
        if known is None or candidate.missing:
            continue
        view = candidate.view
        # One that still answers at times is tried when there is nobody else: routing's panic.
        shut = view.circuit is Circuit.OPEN and view.trip is not Trip.SHARE
        known.append(view.circuit_until if shut else 0.0)
    return min((min(known, default=0.0) for known in moments.values()), default=math.inf)


def _slow(candidate: CandidateHealth) -> bool:
    """Whether its next first token is expected later than silence is borne (`timeouts.py`)."""
    usual_s = candidate.first_token_p95_s
    if usual_s is None or len(candidate.first_tokens) < USUAL_SAMPLES_MIN:
        return False
    return candidate.view.first_token_s > SLOWER_THAN_USUAL * usual_s

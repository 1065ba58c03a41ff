"""From how its candidates do to how a provider does. Pure.

A provider is what all its candidates are, DEGRADED where they differ, DISABLED without any
deployment. Those that were not asked of late, and models that it does not have, do not count. A
deployment of which nothing is known is what its check says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil, inf
from typing import NamedTuple

from service.domain.breaker import Circuit
from service.domain.candidate import Candidate
from service.domain.health import (
    CandidateHealth,
    Checked,
    Deployment,
    Finding,
    ProviderHealth,
    Status,
    cooldown_until,
    status,
)
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import Demand, Policy, View, scores
from service.domain.stats import PRIOR_FAULTS, PRIOR_SUCCESSES


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a summary is made of, at `now`.

    `configured` names the deployments of each provider, none if it is switched off. `policy`
    scores; times are compared with the fastest candidate's of all.
    """

    now: float
    configured: Mapping[str, Sequence[str]]
    candidates: Sequence[CandidateHealth]
    checks: Mapping[Deployment, Checked]
    policy: Policy = Policy()


class _Row(NamedTuple):
    """A candidate with its score, and what the check of its deployment makes of it."""

    of: CandidateHealth
    score: float
    check: Checked | None
    status: Status


def provider_healths(snapshot: Snapshot) -> list[ProviderHealth]:
    """One for each provider, in configured order."""
    return [
        _merged(name, _telling(rows, snapshot.now), snapshot.now)
        for name, rows in _rows(snapshot).items()
    ]


def model_healths(snapshot: Snapshot) -> list[ProviderHealth]:
    """One for each model at each deployment that was asked of late, in configured order."""
    return [
        _merged(name, (row,), snapshot.now, row.of.target)
        for name, rows in _rows(snapshot).items()
        for row in rows
        if row.of.target.model
    ]


def overall(healths: Sequence[ProviderHealth]) -> Status:
    """That of the best provider: whether the service can serve at all."""
    return min(
        (health.status for health in healths), key=_RANK.__getitem__, default=Status.DISABLED
    )


_RANK = {status: rank for rank, status in enumerate(Status)}
_CIRCUIT_RANK = {Circuit.CLOSED: 0, Circuit.HALF_OPEN: 1, Circuit.OPEN: 2}
_BELIEVED = PRIOR_SUCCESSES / (PRIOR_SUCCESSES + PRIOR_FAULTS)


def _rows(snapshot: Snapshot) -> dict[str, list[_Row]]:
    """By provider. A deployment of which nothing is known gives a row without a model."""
    configured, checks, now = snapshot.configured, snapshot.checks, snapshot.now
    found: list[CandidateHealth] = []
    seen: set[Deployment] = set()
    for candidate in snapshot.candidates:
        target = candidate.target
        if target.deployment in configured.get(target.provider, ()):
            found.append(candidate)
            if not candidate.missing:
                seen.add((target.provider, target.deployment))
    found += [
        CandidateHealth(View(Candidate(ModelRef(name, "", deployment), "")))
        for name, deployments in configured.items()
        for deployment in deployments
        if (name, deployment) not in seen
    ]
    scored = scores(snapshot.policy, [candidate.view for candidate in found], Demand())
    rows: dict[str, list[_Row]] = {name: [] for name in configured}
    for candidate, (score, _) in zip(found, scored, strict=True):
        target = candidate.target
        check = checks.get((target.provider, target.deployment))
        rows[target.provider].append(_Row(candidate, score, check, status(candidate, check, now)))
    return rows


def _telling(rows: Sequence[_Row], now: float) -> Sequence[_Row]:
    """Those that tell how their provider does now."""
    rows = [row for row in rows if not row.of.missing]
    return [row for row in rows if _is_of_late(row.of, now)] or rows


def _is_of_late(candidate: CandidateHealth, now: float) -> bool:
    view = candidate.view
    asked = view.known or view.in_flight > 0 or cooldown_until(view, now) > 0.0
    return asked or not candidate.target.model


def _merged(
    provider: str, rows: Sequence[_Row], now: float, target: ModelRef | None = None
) -> ProviderHealth:
    if not rows:
        return ProviderHealth(provider, Status.DISABLED)
    sums = _Sums(rows, now)
    durations = _sorted([row.of.durations for row in rows])
    first_tokens = _sorted([row.of.first_tokens for row in rows])
    attempts = sums.successes + sums.faults
    return ProviderHealth(
        provider,
        _together({row.status for row in rows}),
        sums.circuit,
        target.model if target else "",
        target.deployment if target else "",
        # Where nothing is left of the past, what is believed of anybody.
        sums.successes / attempts if round(attempts) else _BELIEVED,
        _quantile(durations, 0.5),
        _quantile(durations, 0.95),
        _quantile(first_tokens, 0.5),
        round(attempts),
        *sums.last_error,
        sums.cooldown_until,
        sums.score,
        sums.in_flight,
        sums.limit,
        sums.check,
    )


class _Sums:
    """What rows come to together, in one pass: reports are made from thousands of them."""

    def __init__(self, rows: Sequence[_Row], now: float) -> None:
        self.successes = self.faults = self.limit = 0.0
        self.in_flight = 0
        self.score = -inf
        self.cooldown_until = inf
        self.circuit = Circuit.OPEN
        self.last_error: tuple[ErrorReason | None, float] = (None, 0.0)
        self.check: Checked | None = None
        for row in rows:
            of = row.of
            view = of.view
            self.successes += of.successes
            self.faults += of.faults
            self.limit += view.limit
            self.in_flight += view.in_flight
            self.score = max(self.score, row.score)
            self.cooldown_until = min(self.cooldown_until, cooldown_until(view, now))
            if _CIRCUIT_RANK[view.circuit] < _CIRCUIT_RANK[self.circuit]:
                self.circuit = view.circuit
            if of.error_reason is not None:
                self._failed(of.error_reason, of.error_at)
            check = row.check
            if check is not None and check.finding is not Finding.NOTHING:
                self._checked(check)

    def _checked(self, check: Checked) -> None:
        # The slowest, and why any failed.
        if self.check is None or check.duration_s > self.check.duration_s:
            self.check = check
        if check.reason is not None:
            self._failed(check.reason, check.at)

    def _failed(self, reason: ErrorReason, at: float) -> None:
        if self.last_error[0] is None or at > self.last_error[1]:
            self.last_error = (reason, at)


def _sorted(samples: Sequence[Sequence[float]]) -> Sequence[float]:
    return samples[0] if len(samples) == 1 else sorted(chain.from_iterable(samples))


def _together(statuses: set[Status]) -> Status:
    known = statuses - {Status.UNKNOWN}
    if len(known) > 1:
        return Status.DEGRADED
    return known.pop() if known else Status.UNKNOWN


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest that at least `share` of them do not exceed; None if there are none."""
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None

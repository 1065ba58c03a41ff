"""Who may be asked at all: what a caller wishes, what the configuration lays down. Pure.

How a candidate does is not looked at here; that, and the choice, is `routing.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from service.domain.audience import concerns
from service.domain.candidate import Candidate
from service.domain.scoring import Policy, PolicyName


class Exclusion(Enum):
    """Why a candidate would not be tried."""

    NOT_WANTED = "not_wanted"
    """The caller's own wishes."""
    NOT_ALLOWED = "not_allowed"
    """The configuration, for the caller's tenant."""
    REGION = "region"
    CAPABILITY = "capability"
    CONTEXT_WINDOW = "context_window"
    COST = "cost"
    """Dearer than the caller's ceiling, or of unknown price under one."""
    CIRCUIT_OPEN = "circuit_open"
    ON_TRIAL = "on_trial"
    """Half-open, and another request is the trial."""
    QUOTA = "quota"
    DEADLINE = "deadline"
    """It never was fast enough for the time that is left."""


TRANSIENT = frozenset({Exclusion.CIRCUIT_OPEN, Exclusion.ON_TRIAL, Exclusion.QUOTA})
"""What time may mend."""


@dataclass(frozen=True, slots=True)
class RouteWish:
    """What the caller may say about routing. 0, None and empty mean the configuration decides."""

    policy: PolicyName | None = None
    providers: tuple[str, ...] = ()
    excluded_providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    fallback_models: tuple[str, ...] = ()
    disable_failover: bool = False
    attempts_max: int = 0
    attempt_timeout_s: float | None = None
    first_token_timeout_s: float | None = None
    cost_max_nano_usd: int = 0
    hedge_delay_s: float | None = None
    """0 asks for the delay that the candidate's own past suggests."""
    restart: bool = False
    """A stream that broke off may begin again elsewhere, and says so."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the configuration lays down for one request: its tenant's rules. Empty allows all."""

    policy: Policy = Policy()
    providers: frozenset[str] = frozenset()
    excluded_providers: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()


OPEN = Bounds()


@dataclass(frozen=True, slots=True)
class Rule:
    """Bounds for some: `models` are names or patterns, `tenants` names; empty means all."""

    bounds: Bounds
    models: tuple[str, ...] = ()
    tenants: frozenset[str] = frozenset()

    def holds(self, model: str, tenant: str) -> bool:
        return concerns(self.models, self.tenants, model, tenant)


def barred(candidate: Candidate, wish: RouteWish, bounds: Bounds) -> Exclusion | None:
    """What is settled before anybody looks at how a candidate does, or at what is asked."""
    provider = candidate.target.provider
    if (wish.providers and provider not in wish.providers) or provider in wish.excluded_providers:
        return Exclusion.NOT_WANTED
    if bounds is not OPEN and (
        (bounds.providers and provider not in bounds.providers)
        or provider in bounds.excluded_providers
    ):
        return Exclusion.NOT_ALLOWED
    if (wish.regions and candidate.region not in wish.regions) or (
        bounds.regions and candidate.region not in bounds.regions
    ):
        return Exclusion.REGION
    return None

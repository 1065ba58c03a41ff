"""When operators are to be told: rules as plain values. What they read: `alert_readings.py`; when
that makes an alert: `alerts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, NamedTuple

from service.domain.reasons import FaultOwner


class RuleKind(Enum):
    ERROR_RATE = "error_rate"
    LATENCY = "latency"
    BUDGET = "budget"
    BUDGET_BURN = "budget_burn"
    PROVIDER_DOWN = "provider_down"
    CACHE_COLLAPSE = "cache_collapse"
    COST_SPIKE = "cost_spike"


class Severity(Enum):
    WARNING = "warning"
    CRITICAL = "critical"


class By(Enum):
    """Of whom a rule holds: of all together, or of each one by itself."""

    ALL = "all"
    TENANT = "tenant"
    PROVIDER = "provider"
    MODEL = "model"


class Subject(NamedTuple):
    """Of whom an alert is. `name` is "" for all together."""

    by: By
    name: str = ""

    def __str__(self) -> str:
        return f"{self.by.value} {self.name}" if self.name else self.by.value


ALL = Subject(By.ALL)


class Limits(NamedTuple):
    """`worse` is where an alert begins, `clear` where it ends: the gap between is the hysteresis.

    Where `worse` is below `clear`, less is worse.
    """

    worse: float
    clear: float


@dataclass(frozen=True, slots=True)
class Holding:
    """How long it must be bad before it is told, and good again before it counts as over."""

    for_s: float = 60.0
    clear_for_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Of whom. `names` narrows it to those; empty means each one there is."""

    by: By = By.ALL
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """What all kinds have. `name` is unique."""

    kind: ClassVar[RuleKind]
    unit: ClassVar[str] = "share"
    """Of a reading, and of the limits that are told with it."""

    name: str
    limits: Limits
    holding: Holding = Holding()
    severity: Severity = Severity.WARNING
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class ErrorRate(Rule):
    """Share of requests that failed by fault of `owners`; of a provider or model, of attempts."""

    kind = RuleKind.ERROR_RATE

    window_s: float = 300.0
    requests_min: int = 20
    """With fewer of them in the window nothing is known."""
    owners: frozenset[FaultOwner] = frozenset({FaultOwner.PROVIDER, FaultOwner.SERVICE})


class Span(Enum):
    """What of an answered request is timed, from its arrival."""

    TOTAL = "total"
    FIRST_TOKEN = "first_token"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Latency(Rule):
    """A quantile, in seconds, of requests that were answered. Of a provider: that it answered."""

    kind = RuleKind.LATENCY
    unit = "s"

    window_s: float = 300.0
    requests_min: int = 20
    quantile: float = 0.95
    of: Span = Span.TOTAL


class Period(Enum):
    """Of a budget: the calendar's, in UTC."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Budget(Rule):
    """Share of the budget that is spent in the running period. By all, or by tenant."""

    kind = RuleKind.BUDGET

    budget_nano_usd: int = 0
    period: Period = Period.MONTH


@dataclass(frozen=True, slots=True)
class BudgetBurn(Rule):
    """Share of the budget that will be spent by the end of the running period, at the pace of the
    last `window_s`.
    """

    kind = RuleKind.BUDGET_BURN

    budget_nano_usd: int = 0
    period: Period = Period.MONTH
    window_s: float = 21_600.0


@dataclass(frozen=True, slots=True)
class ProviderDown(Rule):
    """Whether a provider cannot be asked: every circuit is open, or its checks fail. By provider.

    It reads 1 for down, 0.5 for a circuit that is half-open, 0 for up.
    """

    kind = RuleKind.PROVIDER_DOWN
    unit = "down"


@dataclass(frozen=True, slots=True)
class CacheCollapse(Rule):
    """Share of requests that the cache served, against the time before. Limits are shares of that:
    0.5 is half of what was usual. By all, or by tenant.
    """

    kind = RuleKind.CACHE_COLLAPSE

    window_s: float = 300.0
    requests_min: int = 50
    """In the window, and in the time before: with fewer nothing is known."""
    baseline_s: float = 3600.0
    baseline_min: float = 0.1
    """Where usually less than this share is served, there is nothing to collapse."""


@dataclass(frozen=True, slots=True)
class CostSpike(Rule):
    """Cost a minute against the median of the `windows` before. Limits are multiples of that."""

    kind = RuleKind.COST_SPIKE
    unit = "nano_usd/min"

    window_s: float = 300.0
    windows: int = 12
    floor_nano_usd: int = 10**9
    """A minute. What costs less is no spike, whatever was usual."""

"""Settings of alert rules: what is watched, and where it is bad."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from service.config.values import AnyCase, Section, Text
from service.domain.alert_rules import By, Period, RuleKind, Severity, Span
from service.domain.reasons import FaultOwner

_K = RuleKind
_HOUR_S = 3600.0
_REACH_MAX_S = 6 * _HOUR_S
_BURN_WINDOW_MAX_S = 7 * 24 * _HOUR_S
_BUDGETS = frozenset({_K.BUDGET, _K.BUDGET_BURN})
_COUNTING = frozenset({_K.ERROR_RATE, _K.LATENCY, _K.CACHE_COLLAPSE})
_WINDOWED = _COUNTING | {_K.COST_SPIKE}

TAKERS: Mapping[str, frozenset[RuleKind]] = {
    "threshold": frozenset(_K) - {_K.PROVIDER_DOWN},
    "clear": frozenset(_K) - {_K.PROVIDER_DOWN},
    "window_s": _WINDOWED | {_K.BUDGET_BURN},
    "requests_min": _COUNTING,
    "owners": frozenset({_K.ERROR_RATE}),
    "quantile": frozenset({_K.LATENCY}),
    "of": frozenset({_K.LATENCY}),
    "budget_usd": _BUDGETS,
    "period": _BUDGETS,
    "baseline_s": frozenset({_K.CACHE_COLLAPSE}),
    "baseline_min": frozenset({_K.CACHE_COLLAPSE}),
    "windows": frozenset({_K.COST_SPIKE}),
    "floor_usd": frozenset({_K.COST_SPIKE}),
}
"""Which kinds take a setting that not all of them take."""
_EACH = frozenset(By)
_SCOPES: Mapping[RuleKind, frozenset[By]] = {
    _K.ERROR_RATE: _EACH,
    _K.LATENCY: _EACH,
    _K.COST_SPIKE: _EACH,
    _K.CACHE_COLLAPSE: frozenset({By.ALL, By.TENANT}),
    _K.BUDGET: frozenset({By.ALL, By.TENANT}),
    _K.BUDGET_BURN: frozenset({By.ALL, By.TENANT}),
    _K.PROVIDER_DOWN: frozenset({By.PROVIDER}),
}
_SHARES = frozenset({_K.ERROR_RATE, _K.CACHE_COLLAPSE})

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class AlertRuleSettings(Section):
    """When operators are told. A setting of another kind of rule is a mistake."""

    kind: Annotated[RuleKind, AnyCase] = Field(description="What is watched: see docs/alerts.md.")
    name: RuleName = Field(description="Its name in alerts. Each has another one.")
    severity: Annotated[Severity, AnyCase] = Field(
        default=Severity.WARNING, description="Told with its alerts."
    )
    for_s: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description="How long it must be bad before it is told. Seconds.",
    )
    clear_for_s: float = Field(
        default=120.0,
        ge=0,
        le=86_400,
        description="How long it must be good again before that is told. Seconds.",
    )
    by: Annotated[By, AnyCase] | None = Field(
        default=None,
        validate_default=True,
        description="Of whom it holds: of `all` together, or of each `tenant`, `provider` or"
        " `model`. Unset means `all`, or `provider` for `provider_down`.",
    )
    subjects: frozenset[Text] = Field(
        default=frozenset(), description="Their names; empty means every one there is."
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        validate_default=True,
        description="Where it is bad. `error_rate`: share of requests (0.2). `latency`: seconds,"
        " required. `budget`: share of the budget (0.8). `budget_burn`: expected share (1.0)."
        " `cache_collapse`: share of the usual share of hits (0.5). `cost_spike`: multiple of the"
        " usual cost (3).",
    )
    clear: float | None = Field(
        default=None,
        ge=0,
        description="Where it is good again, better than `threshold`. Unset means half of that for"
        " `error_rate`, two thirds for `cost_spike`, half way to 1 for `cache_collapse`, 0.9 of it"
        " for the others.",
    )
    window_s: float | None = Field(
        default=None,
        ge=10,
        description="What is looked at: the time until now. Unset means 300, for `budget_burn`"
        " 21600. Seconds.",
    )
    requests_min: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="With fewer requests nothing is known. Unset means 20; for"
        " `cache_collapse` 50.",
    )
    owners: frozenset[Annotated[FaultOwner, AnyCase]] | None = Field(
        default=None,
        min_length=1,
        description="Whose faults count for `error_rate`: `caller`, `provider`, `service`. Unset"
        " means the last two.",
    )
    quantile: float | None = Field(
        default=None, ge=0.01, le=0.999, description="Of `latency`. Unset means 0.95."
    )
    of: Annotated[Span, AnyCase] | None = Field(
        default=None,
        description="What of `latency` is timed: the whole, `total`, or until the `first_token`."
        " Unset means `total`.",
    )
    budget_usd: Annotated[Decimal, Field(gt=0, le=1_000_000_000, decimal_places=9)] | None = Field(
        default=None, validate_default=True, description="The budget; required of budgets. USD."
    )
    period: Annotated[Period, AnyCase] | None = Field(
        default=None,
        description="How long a budget lasts: a `day` or a `month` of the calendar, in UTC. Unset"
        " means `month`.",
    )
    baseline_s: float | None = Field(
        default=None,
        ge=60,
        le=_REACH_MAX_S,
        description="The time before that tells what is usual for `cache_collapse`. Unset means"
        " 3600. Seconds.",
    )
    baseline_min: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Where usually a smaller share is hit, `cache_collapse` knows nothing. Unset"
        " means 0.1.",
    )
    windows: int | None = Field(
        default=None,
        ge=2,
        le=100,
        description="So many windows before this one tell what is usual for `cost_spike`: their"
        " median. Unset means 12.",
    )
    floor_usd: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=9)] | None = Field(
        default=None,
        description="What costs less in a minute is no `cost_spike`. Unset means 1. USD.",
    )

    @field_validator(*TAKERS)
    @classmethod
    def _taken(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind")
        if value is not None and kind and kind not in TAKERS[info.field_name or ""]:
            raise ValueError(f"is no setting of the kind `{kind.value}`")
        return value

    @field_validator("by")
    @classmethod
    def _told_of(cls, value: By | None, info: ValidationInfo) -> By | None:
        kind = info.data.get("kind")
        if kind is None:
            return value
        scopes = _SCOPES[kind]
        by = value or (By.ALL if By.ALL in scopes else By.PROVIDER)
        if by not in scopes:
            words = " or ".join(f"`{one.value}`" for one in By if one in scopes)
            raise ValueError(f"must be {words} for the kind `{kind.value}`")
        return by

    @field_validator("subjects")
    @classmethod
    def _of_each(cls, value: frozenset[str], info: ValidationInfo) -> frozenset[str]:
        if value and info.data.get("by") is By.ALL:
            raise ValueError("needs `by`: they are names of what?")
        return value

    @field_validator("threshold")
    @classmethod
    def _in_reach(cls, value: float | None, info: ValidationInfo) -> float | None:
        kind = info.data.get("kind")
        if value is None and kind is _K.LATENCY:
            raise ValueError("is required by the kind `latency`")
        if value is not None and kind in _SHARES and value > 1:
            raise ValueError("must be at most 1: it is a share")
        return value

    @field_validator("window_s")
    @classmethod
    def _window(cls, value: float | None, info: ValidationInfo) -> float | None:
        burns = info.data.get("kind") is _K.BUDGET_BURN
        most_s = _BURN_WINDOW_MAX_S if burns else _HOUR_S
        if value is not None and value > most_s:
            raise ValueError(f"must be at most {most_s:g}")
        return value

    @field_validator("budget_usd")
    @classmethod
    def _budgeted(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        kind = info.data.get("kind")
        if value is None and kind in _BUDGETS:
            raise ValueError(f"is required by the kind `{kind.value}`")
        return value

    @model_validator(mode="after")
    def _apart(self) -> Self:
        worse, clear = self.limits
        is_apart = clear >= worse if self.kind is _K.CACHE_COLLAPSE else clear <= worse
        if not is_apart:
            raise ValueError(f"clear ({clear:g}) must be better than threshold ({worse:g})")
        reach_s = (self.window_s or 300.0) * (self.windows or 12)
        if self.kind is _K.COST_SPIKE and reach_s > _REACH_MAX_S:
            raise ValueError(f"windows times window_s must be at most {_REACH_MAX_S:g} s")
        return self

    @property
    def limits(self) -> tuple[float, float]:
        """Where it is bad, and where it is good again."""
        worse = self.threshold or _WORSE[self.kind]
        match self.kind:
            case RuleKind.PROVIDER_DOWN:
                usual = 0.0
            case RuleKind.ERROR_RATE:
                usual = worse / 2
            case RuleKind.COST_SPIKE:
                usual = worse * 2 / 3
            case RuleKind.CACHE_COLLAPSE:
                usual = (worse + 1) / 2
            case _:
                usual = worse * 0.9
        return worse, usual if self.clear is None else self.clear


_WORSE: Mapping[RuleKind, float] = {
    _K.ERROR_RATE: 0.2,
    _K.LATENCY: 0.0,
    _K.BUDGET: 0.8,
    _K.BUDGET_BURN: 1.0,
    _K.PROVIDER_DOWN: 1.0,
    _K.CACHE_COLLAPSE: 0.5,
    _K.COST_SPIKE: 3.0,
}

BUILT_IN_RULES = (
    AlertRuleSettings(
        kind=_K.PROVIDER_DOWN, name="provider_down", severity=Severity.CRITICAL, clear_for_s=60.0
    ),
    AlertRuleSettings(kind=_K.ERROR_RATE, name="error_rate", severity=Severity.CRITICAL),
)
"""Where the configuration names none."""

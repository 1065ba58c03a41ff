"""Settings of alerts as the rules that the domain decides with."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from service.config.alert_rules import AlertRuleSettings
from service.domain.alert_rules import (
    Budget,
    BudgetBurn,
    By,
    CacheCollapse,
    CostSpike,
    ErrorRate,
    Holding,
    Latency,
    Limits,
    ProviderDown,
    Rule,
    RuleKind,
    Scope,
)

_NANO = 10**9
_RULES: dict[RuleKind, type[Rule]] = {
    RuleKind.ERROR_RATE: ErrorRate,
    RuleKind.LATENCY: Latency,
    RuleKind.BUDGET: Budget,
    RuleKind.BUDGET_BURN: BudgetBurn,
    RuleKind.PROVIDER_DOWN: ProviderDown,
    RuleKind.CACHE_COLLAPSE: CacheCollapse,
    RuleKind.COST_SPIKE: CostSpike,
}


def rules(settings: Sequence[AlertRuleSettings]) -> tuple[Rule, ...]:
    return tuple(_rule(one) for one in settings)


def _rule(settings: AlertRuleSettings) -> Rule:
    own: dict[str, Any] = {
        "window_s": settings.window_s,
        "requests_min": settings.requests_min,
        "owners": settings.owners,
        "quantile": settings.quantile,
        "of": settings.of,
        "budget_nano_usd": _nano(settings.budget_usd),
        "period": settings.period,
        "baseline_s": settings.baseline_s,
        "baseline_min": settings.baseline_min,
        "windows": settings.windows,
        "floor_nano_usd": _nano(settings.floor_usd),
    }
    return _RULES[settings.kind](
        settings.name,
        Limits(*settings.limits),
        Holding(settings.for_s, settings.clear_for_s),
        settings.severity,
        Scope(settings.by or By.ALL, settings.subjects),
        # Of what is unset the rule knows what is usual.
        **{name: value for name, value in own.items() if value is not None},
    )


def _nano(usd: Decimal | None) -> int | None:
    return None if usd is None else int(usd * _NANO)

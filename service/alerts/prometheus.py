"""The same rules for Prometheus: PromQL over the names of the metric catalogue. Pure.

What a rule reads is recorded; the alert compares that with both limits, as `domain/alerts.py` does:
one that fires goes on until the reading is better than the clear limit. Where Prometheus knows less
than the service, docs/alerts.md says what differs; what it cannot tell at all is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from service.domain.alert_rules import (
    Budget,
    BudgetBurn,
    By,
    CacheCollapse,
    CostSpike,
    ErrorRate,
    Latency,
    Period,
    ProviderDown,
    Rule,
    Span,
)
from service.domain.reasons import ErrorReason, FaultOwner, fault_owner
from service.telemetry import catalogue as of
from service.telemetry.catalogue import Metric

KEEPS_FIRING_SINCE = "2.42"
"""The first Prometheus that reads the file."""
_PERIODS_S = {Period.DAY: 86_400, Period.MONTH: 30 * 86_400}
_METHODS = r"aiprovider\\.v1\\.(CompletionService|ModelService)/.*"
_ESCAPES = {one: f"\\\\{one}" for one in ".+*?()[]{}|^$"} | {
    "\\": r"\\\\",
    '"': r"\"",
    "\n": r"\n",
}
_SERVED = "hit_local|hit_shared|coalesced|repeated"


class _Labels(NamedTuple):
    """What the subjects of a rule are called in a metric."""

    metric: Metric
    by: Mapping[By, str]

    def label(self, by: By) -> str | None:
        """Empty for all together; None where the metric does not tell them apart."""
        if by is By.ALL:
            return ""
        name = self.by.get(by)
        return None if name is None else _name(name)


_CALLS = _Labels(of.CALL_DURATION, {By.TENANT: of.TENANT})
_ATTEMPTS = _Labels(of.ATTEMPTS, {By.PROVIDER: of.PROVIDER, By.MODEL: of.MODEL})
_OPERATIONS = _Labels(of.OPERATION_DURATION, {By.PROVIDER: of.PROVIDER, By.MODEL: of.REQUEST_MODEL})
_FIRST_TOKENS = _Labels(of.FIRST_TOKEN, {By.PROVIDER: of.PROVIDER, By.MODEL: of.REQUEST_MODEL})
_COSTS = _Labels(of.COST, {By.TENANT: of.TENANT, By.PROVIDER: of.PROVIDER, By.MODEL: of.MODEL})
_CIRCUITS = _Labels(of.CIRCUIT, {By.PROVIDER: of.PROVIDER})
_CACHE = _Labels(of.CACHE_REQUESTS, {})


class _Told(NamedTuple):
    """An expression of what a rule reads, and the label of its subjects."""

    expression: str
    label: str


def rules_file(rules: Sequence[Rule], interval_s: float, note: str) -> str:
    """YAML. `note` is put at its top."""
    told = [(rule, _told(rule)) for rule in rules]
    records = [_record(rule, one) for rule, one in told if one is not None]
    alerts = [_alert(rule, one) for rule, one in told if one is not None]
    group = {
        "name": "ai-provider",
        "interval": _duration(max(1.0, interval_s)),
        "rules": [*records, *alerts],
    }
    left_out = [
        f"Left out: {rule.name}, as no metric tells {_of(rule)} by {rule.scope.by.value}."
        for rule, one in told
        if one is None
    ]
    comments = "".join(f"# {line}\n" for line in (*note.splitlines(), *left_out))
    return comments + yaml.safe_dump({"groups": [group]}, sort_keys=False, width=10_000)


def _record(rule: Rule, told: _Told) -> Mapping[str, Any]:
    return {"record": _recorded(rule), "expr": told.expression}


def _alert(rule: Rule, told: _Told) -> Mapping[str, Any]:
    name = _recorded(rule)
    worse, clear = rule.limits
    bad, good = ("<=", "<") if worse < clear else (">=", ">")
    firing = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    who = f" ({{{{ $labels.{told.label} }}}})" if told.label else ""
    return {
        "alert": rule.name,
        "expr": f"{name} {bad} {worse:.10g} or"
        f" ({name} {good} {clear:.10g} and on ({told.label}) {firing})",
        "for": _duration(rule.holding.for_s),
        "keep_firing_for": _duration(rule.holding.clear_for_s),
        "labels": {"severity": rule.severity.value, "kind": rule.kind.value},
        "annotations": {
            "summary": f'{rule.name}{who}: {{{{ $value | printf "%.4g" }}}}, {bad} {worse:.10g}'
        },
    }


def _told(rule: Rule) -> _Told | None:
    made = _MAKERS[type(rule)](rule)
    return None if made is None else _Told(" ".join(made.expression.split()), made.label)


def _error_rate(rule: ErrorRate) -> _Told | None:
    reasons = "|".join(one.name for one in ErrorReason if fault_owner(one) in rule.owners)
    if rule.scope.by in (By.ALL, By.TENANT):
        if FaultOwner.CALLER in rule.owners:
            # They are told without a reason.
            reasons += "|"
        source, count = _CALLS, f"{of.CALL_DURATION.prometheus}_count"
        every = f'{_name(of.METHOD)}=~"{_METHODS}"'
        failed = f'{every},{_name(of.STATUS)}!="OK",{_name(of.ERROR)}=~"{reasons}"'
    else:
        source, count = _ATTEMPTS, of.ATTEMPTS.prometheus
        outcome = _name(of.OUTCOME)
        every = f'{outcome}=~"ok|failed"'
        failed = f'{outcome}="failed",{_name(of.ERROR)}=~"{reasons}"'
    label = source.label(rule.scope.by)
    if label is None:
        return None
    window = _duration(rule.window_s)
    total = _sum(label, f"increase({count}{_where(rule, label, every)}[{window}])")
    bad = _sum(label, f"increase({count}{_where(rule, label, failed)}[{window}])")
    return _Told(f"{bad} / {total} and {total} >= {rule.requests_min}", label)


def _latency(rule: Latency) -> _Told | None:
    by = rule.scope.by
    if rule.of is Span.FIRST_TOKEN:
        source, only = _FIRST_TOKENS, ""
    elif by in (By.ALL, By.TENANT):
        source, only = _CALLS, f'{_name(of.METHOD)}=~"{_METHODS}",{_name(of.STATUS)}="OK"'
    else:
        source, only = _OPERATIONS, f'{_name(of.ERROR)}=""'
    label = source.label(by)
    if label is None:
        return None
    name, window = source.metric.prometheus, _duration(rule.window_s)
    where = _where(rule, label, only)
    buckets = f"sum by ({_list('le', label)}) (rate({name}_bucket{where}[{window}]))"
    count = _sum(label, f"increase({name}_count{where}[{window}])")
    quantile = f"histogram_quantile({rule.quantile:g}, {buckets})"
    return _Told(f"{quantile} and {count} >= {rule.requests_min}", label)


def _budget(rule: Budget) -> _Told | None:
    label = _COSTS.label(rule.scope.by)
    return None if label is None else _Told(_spent(rule, label, _PERIODS_S[rule.period]), label)


def _budget_burn(rule: BudgetBurn) -> _Told | None:
    label = _COSTS.label(rule.scope.by)
    if label is None:
        return None
    times = _PERIODS_S[rule.period] / rule.window_s
    return _Told(f"{_spent(rule, label, rule.window_s)} * {times:.10g}", label)


def _spent(rule: Budget | BudgetBurn, label: str, window_s: float) -> str:
    where = _where(rule, label)
    spent = f"increase({of.COST.prometheus}{where}[{_duration(window_s)}])"
    return f"{_sum(label, spent)} / {rule.budget_nano_usd}"


def _provider_down(rule: ProviderDown) -> _Told | None:
    label = _CIRCUITS.label(By.PROVIDER)
    if label is None:
        return None
    return _Told(f"min by ({label}) ({of.CIRCUIT.prometheus}{_where(rule, label)}) / 2", label)


def _cache_collapse(rule: CacheCollapse) -> _Told | None:
    label = _CACHE.label(rule.scope.by)
    if label is None:
        return None

    def looked_up(statuses: str, window_s: float, offset: str = "") -> str:
        where = f'{{{_name(of.CACHE_STATUS)}=~"{statuses}"}}'
        name = of.CACHE_REQUESTS.prometheus
        return f"sum(increase({name}{where}[{_duration(window_s)}]{offset}))"

    every, before = f"{_SERVED}|miss", f" offset {_duration(rule.window_s)}"
    share = f"{looked_up(_SERVED, rule.window_s)} / {looked_up(every, rule.window_s)}"
    usual_every = looked_up(every, rule.baseline_s, before)
    usual = f"{looked_up(_SERVED, rule.baseline_s, before)} / {usual_every}"
    return _Told(
        f"({share}) / ({usual}) and ({usual}) >= {rule.baseline_min:g}"
        f" and {looked_up(every, rule.window_s)} >= {rule.requests_min}"
        f" and {usual_every} >= {rule.requests_min}",
        label,
    )


def _cost_spike(rule: CostSpike) -> _Told | None:
    label = _COSTS.label(rule.scope.by)
    if label is None:
        return None
    window = _duration(rule.window_s)
    cost = _sum(label, f"increase({of.COST.prometheus}{_where(rule, label)}[{window}])")
    span = f"[{_duration(rule.window_s * rule.windows)}:{window}] offset {window}"
    usual = f"quantile_over_time(0.5, {cost}{span})"
    floor = rule.floor_nano_usd * rule.window_s / 60
    return _Told(f"{cost} / {usual} and {cost} >= {floor:.10g}", label)


_MAKERS: Mapping[type[Rule], Callable[[Any], _Told | None]] = {
    ErrorRate: _error_rate,
    Latency: _latency,
    Budget: _budget,
    BudgetBurn: _budget_burn,
    ProviderDown: _provider_down,
    CacheCollapse: _cache_collapse,
    CostSpike: _cost_spike,
}


def _sum(label: str, expression: str) -> str:
    return f"sum by ({label}) ({expression})" if label else f"sum({expression})"


def _where(rule: Rule, label: str, only: str = "") -> str:
    """The selector, with the names that the rule is narrowed to."""
    names = "|".join(_escaped(name) for name in sorted(rule.scope.names))
    # An empty label is one that is not there: of all those whom the metric does not name.
    narrowed = f'{label}=~"{names}"' if names else f'{label}!=""'
    matchers = [one for one in (only, narrowed if label else "") if one]
    return f"{{{','.join(matchers)}}}" if matchers else ""


def _escaped(name: str) -> str:
    """For a regular expression inside a string of PromQL."""
    return "".join(_ESCAPES.get(one, one) for one in name)


def _list(*names: str) -> str:
    return ", ".join(name for name in names if name)


def _of(rule: Rule) -> str:
    return rule.of.value if isinstance(rule, Latency) else rule.kind.value


def _recorded(rule: Rule) -> str:
    return f"aiprovider:alert:{rule.name.replace('-', ':')}"


def _name(attribute: str) -> str:
    return attribute.replace(".", "_")


def _duration(seconds: float) -> str:
    whole = round(seconds)
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"

"""What each rule reads of what was measured. Pure. Where too little is known it reads None."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from service.domain import sketch
from service.domain.alert_rules import (
    ALL,
    Budget,
    BudgetBurn,
    By,
    CacheCollapse,
    CostSpike,
    ErrorRate,
    Latency,
    Limits,
    Period,
    ProviderDown,
    Rule,
    Subject,
)
from service.domain.alert_windows import SLOT_S, Figures, Needs, Windows
from service.domain.alerts import Reading
from service.domain.breaker import Circuit
from service.domain.health import ProviderHealth, Status
from service.domain.sketch import Tally

WindowRule = ErrorRate | Latency | CacheCollapse | CostSpike
_MINUTE_S = 60.0


def needs(rules: Iterable[Rule]) -> Needs:
    """What has to be counted for them."""
    names: dict[By, frozenset[str]] = {}
    kept_s, latencies = 0.0, False
    for rule in rules:
        if not isinstance(rule, WindowRule):
            continue
        by = rule.scope.by
        names[by] = names.get(by, frozenset()) | rule.scope.names
        kept_s = max(kept_s, _reach_s(rule))
        latencies = latencies or isinstance(rule, Latency)
    return Needs(names, kept_s, latencies)


def _reach_s(rule: WindowRule) -> float:
    match rule:
        case CacheCollapse():
            return rule.window_s + rule.baseline_s
        case CostSpike():
            return rule.window_s * (1 + rule.windows)
        case _:
            return rule.window_s


def of_windows(
    rule: WindowRule, windows: Windows, now: float
) -> Iterator[tuple[Subject, Reading | None]]:
    """`now` is in seconds since the epoch. The slot that runs is in the window.

    Between two of them more may be counted.
    """
    end = (now // SLOT_S + 1) * SLOT_S
    for subject in tuple(_subjects(rule, windows)):
        yield subject, _reading(rule, windows, subject, end)


def _subjects(rule: Rule, windows: Windows) -> Iterable[Subject]:
    scope = rule.scope
    if scope.names:
        return [Subject(scope.by, name) for name in sorted(scope.names)]
    return [ALL] if scope.by is By.ALL else windows.subjects(scope.by)


def _reading(rule: WindowRule, windows: Windows, subject: Subject, end: float) -> Reading | None:
    start = end - rule.window_s
    match rule:
        case ErrorRate():
            return _error_rate(rule, windows.between(subject, start, end))
        case Latency():
            return _latency(rule, windows.tally(subject, start, end, rule.of))
        case CacheCollapse():
            before = windows.between(subject, start - rule.baseline_s, start)
            return _cache(rule, windows.between(subject, start, end), before)
        case CostSpike():
            return _cost(rule, windows, subject, end)


def _error_rate(rule: ErrorRate, figures: Figures) -> Reading | None:
    if figures.requests < max(rule.requests_min, 1):
        return None
    faults = sum(times for owner, times in figures.faults.items() if owner in rule.owners)
    return Reading(faults / figures.requests, rule.limits)


def _latency(rule: Latency, tally: Tally) -> Reading | None:
    if sketch.count(tally) < max(rule.requests_min, 1):
        return None
    seconds = sketch.quantile(tally, rule.quantile)
    return None if seconds is None else Reading(seconds, rule.limits)


def _cache(rule: CacheCollapse, figures: Figures, before: Figures) -> Reading | None:
    enough = max(rule.requests_min, 1)
    if figures.looked_up < enough or before.looked_up < enough:
        return None
    usual = before.hit_share
    if usual < rule.baseline_min:
        return None
    return Reading(figures.hit_share, _times(rule.limits, usual))


def _cost(rule: CostSpike, windows: Windows, subject: Subject, end: float) -> Reading | None:
    """What is usual is known once half of the windows have been counted."""
    counted = int((end - rule.window_s - windows.since) // rule.window_s)
    count = min(rule.windows, counted)
    if count < max(1, rule.windows // 2):
        return None
    ends = [end - place * rule.window_s for place in range(count + 1)]
    now, *before = (windows.cost_nano_usd(subject, one - rule.window_s, one) for one in ends)
    per_minute = _MINUTE_S / rule.window_s
    worse, clear = _times(rule.limits, statistics.median(before) * per_minute)
    if worse < rule.floor_nano_usd:
        # The gap between the limits stays what it is.
        worse = float(rule.floor_nano_usd)
        clear = worse * rule.limits.clear / rule.limits.worse
    return Reading(now * per_minute, Limits(worse, clear))


def _times(limits: Limits, factor: float) -> Limits:
    return Limits(limits.worse * factor, limits.clear * factor)


def of_health(
    rule: ProviderDown, healths: Sequence[ProviderHealth], alerting: Iterable[Subject]
) -> dict[Subject, Reading | None]:
    """Of whom nothing is said any more is down no more: nobody asks it. `alerting` are those that
    may have to be told so.
    """
    gone: dict[Subject, Reading | None] = {
        subject: Reading(0.0, rule.limits) for subject in alerting
    }
    wanted = rule.scope.names
    return gone | {
        Subject(By.PROVIDER, one.provider): _down(rule, one)
        for one in healths
        if not wanted or one.provider in wanted
    }


def _down(rule: ProviderDown, health: ProviderHealth) -> Reading | None:
    if health.status is Status.UNKNOWN:
        return None
    if health.status is Status.UNHEALTHY and health.circuit is not Circuit.HALF_OPEN:
        return Reading(1.0, rule.limits)
    # A trial is due: whether it is up again nobody knows yet.
    return Reading(0.5 if health.circuit is Circuit.HALF_OPEN else 0.0, rule.limits)


class Spent(NamedTuple):
    """In whole nano-USD: in the period so far, and in the `window_s` before now."""

    period: int
    lately: int = 0
    window_s: float = 1.0


def period(of: Period, now: float) -> tuple[float, float]:
    """The running day or month, in UTC; seconds since the epoch."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if of is Period.DAY:
        return day.timestamp(), (day + timedelta(days=1)).timestamp()
    first = day.replace(day=1)
    # Every month ends within 31 days of its first.
    return first.timestamp(), (first + timedelta(days=31)).replace(day=1).timestamp()


def of_budget(
    rule: Budget | BudgetBurn, spent: Mapping[Subject, Spent] | None, now: float
) -> dict[Subject, Reading | None]:
    """`spent` is None where the ledger did not answer. Who is not in it has spent nothing."""
    scope = rule.scope
    named = [Subject(scope.by, name) for name in sorted(scope.names)]
    if spent is None:
        return dict.fromkeys(named or [ALL])
    subjects = named or ([ALL] if scope.by is By.ALL else list(spent))
    return {one: _budget(rule, spent.get(one, Spent(0)), now) for one in subjects}


def _budget(rule: Budget | BudgetBurn, spent: Spent, now: float) -> Reading:
    nano_usd = float(spent.period)
    if isinstance(rule, BudgetBurn):
        _, end = period(rule.period, now)
        nano_usd += spent.lately / spent.window_s * (end - now)
    return Reading(nano_usd / rule.budget_nano_usd, rule.limits)

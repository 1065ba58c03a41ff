"""Which alerts are told to whoever asks, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from service.domain.alert_rules import By, RuleKind, Severity
from service.domain.alerts import Alert, Why


class Phase(Enum):
    FIRING = "firing"
    PENDING = "pending"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Wish:
    """Which are asked for. `limit` counts alerts."""

    phases: Collection[Phase] = frozenset(Phase)
    severities: Collection[Severity] = frozenset(Severity)
    limit: int = 100


_HEALTH = frozenset({RuleKind.PROVIDER_DOWN, RuleKind.ERROR_RATE, RuleKind.LATENCY})
"""Kinds that say how the service and its providers do, and nothing of how much is asked."""
_PHASES = {Why.PENDING: Phase.PENDING, Why.FIRED: Phase.FIRING, Why.GOES_ON: Phase.FIRING}
_PLACES = {phase: place for place, phase in enumerate(Phase)}
_URGENCY = {Severity.CRITICAL: 0, Severity.WARNING: 1}


def phase(alert: Alert) -> Phase:
    return _PHASES.get(alert.why, Phase.RESOLVED)


def may_see(alert: Alert, tenant: str | None) -> bool:
    """`tenant` is the caller's, None for one who sees all.

    How the service does is told to everyone, as health is; what is about one tenant, to that one;
    what tenants spend, or have of the cache, all together, to those alone who see all.
    """
    if tenant is None:
        return True
    if alert.subject.by is By.TENANT:
        return alert.subject.name == tenant
    return alert.rule.kind in _HEALTH


def chosen(alerts: Iterable[Alert], wish: Wish, tenant: str | None) -> list[Alert]:
    """All that there are for it, beyond its limit, too: what fires first, then what is pending,
    each the most severe first, and then the newest; last what is over, the newest first.
    """
    found = [
        alert
        for alert in alerts
        if phase(alert) in wish.phases
        and alert.rule.severity in wish.severities
        and may_see(alert, tenant)
    ]
    return sorted(found, key=_place)


def _place(alert: Alert) -> tuple[int, int, float, str, str]:
    found = phase(alert)
    over = found is Phase.RESOLVED
    urgency = 0 if over else _URGENCY[alert.rule.severity]
    at = alert.at if over else alert.standing.since
    return _PLACES[found], urgency, -at, alert.rule.name, str(alert.subject)

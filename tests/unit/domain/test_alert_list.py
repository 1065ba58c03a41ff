"""Who sees which alerts, and in which order."""

from __future__ import annotations

import pytest

from service.domain.alert_list import Phase, Wish, chosen, may_see, phase
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
    ProviderDown,
    Rule,
    Severity,
    Subject,
)
from service.domain.alerts import Alert, Standing, Why

LIMITS = Limits(1.0, 0.5)
ACME, GLOBEX = Subject(By.TENANT, "acme"), Subject(By.TENANT, "globex")
OPENAI, MODEL = Subject(By.PROVIDER, "openai"), Subject(By.MODEL, "gpt-4o")


def alert(
    rule: Rule, subject: Subject = ALL, why: Why = Why.FIRED, since: float = 0.0, at: float = 0.0
) -> Alert:
    return Alert(rule, subject, why, Standing(since=since), at)


@pytest.mark.parametrize(
    ("kind", "subject", "acme_sees"),
    [
        (ErrorRate, ACME, True),
        (Budget, ACME, True),
        (CostSpike, ACME, True),
        (ErrorRate, GLOBEX, False),
        (Budget, GLOBEX, False),
        (ProviderDown, OPENAI, True),
        (ErrorRate, ALL, True),
        (ErrorRate, OPENAI, True),
        (ErrorRate, MODEL, True),
        (Latency, ALL, True),
        (Latency, OPENAI, True),
        (Budget, ALL, False),
        (BudgetBurn, ALL, False),
        (CacheCollapse, ALL, False),
        (CostSpike, ALL, False),
        (CostSpike, OPENAI, False),
        (CostSpike, MODEL, False),
    ],
)
def test_who_sees_what(kind: type[Rule], subject: Subject, acme_sees: bool) -> None:
    """How the service does is for everyone; money and tenants are their own, or for all's eyes."""
    told = alert(kind("rule", LIMITS), subject)

    assert acme_sees is may_see(told, "acme")
    assert may_see(told, None)


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        (Why.PENDING, Phase.PENDING),
        (Why.FIRED, Phase.FIRING),
        (Why.GOES_ON, Phase.FIRING),
        (Why.RECOVERED, Phase.RESOLVED),
        (Why.NO_DATA, Phase.RESOLVED),
        (Why.RULE_CHANGED, Phase.RESOLVED),
    ],
)
def test_phases(why: Why, expected: Phase) -> None:
    """Whatever it is told for, an alert fires, is pending or is over."""
    assert expected is phase(alert(ErrorRate("rule", LIMITS), why=why))


def test_order_and_filters() -> None:
    """What is worst and newest comes first, what is over last; each filter holds."""
    mild = ErrorRate("mild", LIMITS)
    grave = ErrorRate("grave", LIMITS, severity=Severity.CRITICAL)
    alerts = [
        alert(grave, why=Why.RECOVERED, at=40.0),
        alert(mild, why=Why.RULE_CHANGED, at=50.0),
        alert(mild, since=30.0),
        alert(grave, why=Why.PENDING, since=35.0),
        alert(grave, ACME, since=10.0),
        alert(grave, GLOBEX, since=20.0),
    ]

    def names(wish: Wish, tenant: str | None = None) -> list[str]:
        found = chosen(alerts, wish, tenant)
        return [f"{phase(one).value} {one.rule.name} {one.subject.name}".strip() for one in found]

    assert [
        "firing grave globex",
        "firing grave acme",
        "firing mild",
        "pending grave",
        "resolved mild",
        "resolved grave",
    ] == names(Wish())
    assert ["firing grave acme", "firing mild"] == names(Wish(phases=(Phase.FIRING,)), "acme")
    assert ["firing mild", "resolved mild"] == names(Wish(severities=(Severity.WARNING,)))
    assert 6 == len(names(Wish(limit=1)))

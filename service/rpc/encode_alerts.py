"""Alerts on the wire. Pure."""

from __future__ import annotations

from aiprovider.v1 import alert_pb2 as pb
from aiprovider.v1 import analytics_service_pb2

from service.alerts.known import Known
from service.alerts.notice import Origin, firing_id, measured, summary
from service.domain.alert_list import Phase, Wish, chosen, phase
from service.domain.alert_rules import By, RuleKind, Subject
from service.domain.alerts import Alert, Why
from service.rpc.decode import alerts as asked
from service.rpc.values import timestamp

KINDS = {
    RuleKind.ERROR_RATE: pb.ALERT_KIND_ERROR_RATE,
    RuleKind.LATENCY: pb.ALERT_KIND_LATENCY,
    RuleKind.BUDGET: pb.ALERT_KIND_BUDGET,
    RuleKind.BUDGET_BURN: pb.ALERT_KIND_BUDGET_BURN,
    RuleKind.PROVIDER_DOWN: pb.ALERT_KIND_PROVIDER_DOWN,
    RuleKind.CACHE_COLLAPSE: pb.ALERT_KIND_CACHE_COLLAPSE,
    RuleKind.COST_SPIKE: pb.ALERT_KIND_COST_SPIKE,
}
SEVERITIES = {severity: number for number, severity in asked.SEVERITIES.items()}
STATES = {phase: number for number, phase in asked.STATES.items()}
ENDS = {
    Why.RECOVERED: pb.ALERT_END_RECOVERED,
    Why.NO_DATA: pb.ALERT_END_NO_DATA,
    Why.RULE_CHANGED: pb.ALERT_END_RULE_CHANGED,
}
_FIRING = Wish(phases=(Phase.FIRING,), limit=20)


def alert_list(
    known: Known, wish: Wish, tenant: str | None
) -> analytics_service_pb2.ListAlertsResponse:
    """`tenant` as in `may_see`."""
    found = chosen(known.alerts, wish, tenant)
    at = known.evaluated_at
    return analytics_service_pb2.ListAlertsResponse(
        alerts=[alert_message(one, known.origin) for one in found[: wish.limit]],
        alert_count=len(found),
        rule_count=known.rules_count,
        check_time=None if at is None else timestamp(at),
    )


def add_firing(
    told: analytics_service_pb2.GetOverviewResponse, known: Known, tenant: str | None
) -> None:
    """The first of those that fire, and how many there are."""
    found = chosen(known.alerts, _FIRING, tenant)
    told.firing_alerts.extend(alert_message(one, known.origin) for one in found[: _FIRING.limit])
    told.firing_alert_count = len(found)


def alert_message(alert: Alert, origin: Origin) -> pb.Alert:
    rule, standing, state = alert.rule, alert.standing, phase(alert)
    return pb.Alert(
        id="" if state is Phase.PENDING else firing_id(alert, origin),
        rule=rule.name,
        kind=KINDS[rule.kind],
        severity=SEVERITIES[rule.severity],
        state=STATES[state],
        unit=rule.unit,
        since_time=timestamp(standing.since),
        resolve_time=timestamp(alert.at) if state is Phase.RESOLVED else None,
        end=ENDS.get(alert.why),
        summary=summary(alert),
        **measured(standing.reading),
        tenant=_name(alert.subject, By.TENANT),
        provider=_name(alert.subject, By.PROVIDER),
        model=_name(alert.subject, By.MODEL),
    )


def _name(subject: Subject, by: By) -> str | None:
    return subject.name if subject.by is by else None

"""Alerts on the wire, and what is asked about them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from aiprovider.v1 import alert_pb2
from aiprovider.v1 import analytics_service_pb2 as pb

from service.alerts.known import Known
from service.alerts.notice import Origin
from service.domain.alert_list import Phase, Wish, phase
from service.domain.alert_rules import (
    ALL,
    By,
    CostSpike,
    ErrorRate,
    Limits,
    RuleKind,
    Severity,
    Subject,
)
from service.domain.alerts import Alert, Reading, Standing, Why
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.rpc import encode_alerts as encode
from service.rpc.decode.alerts import alert_wish

ORIGIN = Origin("ai-provider", "production", "pod-1", "7 1700000000.0")
RULE = ErrorRate("errors", Limits(0.2, 0.1), severity=Severity.CRITICAL)


def alert(why: Why, subject: Subject = ALL, value: float | None = 0.25) -> Alert:
    reading = None if value is None else Reading(value, RULE.limits)
    return Alert(RULE, subject, why, Standing(since=1_700_000_000.0, reading=reading), 1.7e9 + 60)


def test_an_alert() -> None:
    """Every field of the contract is what the rule and the reading say."""
    found = encode.alert_message(alert(Why.RECOVERED, Subject(By.TENANT, "acme"), 0.05), ORIGIN)

    assert (
        alert_pb2.Alert(
            id=found.id,
            rule="errors",
            kind=alert_pb2.ALERT_KIND_ERROR_RATE,
            severity=alert_pb2.ALERT_SEVERITY_CRITICAL,
            state=alert_pb2.ALERT_STATE_RESOLVED,
            tenant="acme",
            value=0.05,
            threshold=0.2,
            clear_threshold=0.1,
            unit="share",
            since_time={"seconds": 1_700_000_000},
            resolve_time={"seconds": 1_700_000_060},
            end=alert_pb2.ALERT_END_RECOVERED,
            summary="errors (tenant acme) is over: 0.05 share",
        )
        == found
    )
    assert 32 == len(found.id)


def test_an_id_lasts_from_the_beginning_to_the_end() -> None:
    """What fires and its end have one id; what is pending has none."""
    fired, over, pending = (
        encode.alert_message(alert(why), ORIGIN).id
        for why in (Why.FIRED, Why.RECOVERED, Why.PENDING)
    )

    assert fired == over
    assert "" == pending


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        (ALL, None),
        (Subject(By.TENANT, "x"), "tenant"),
        (Subject(By.PROVIDER, "x"), "provider"),
        (Subject(By.MODEL, "x"), "model"),
    ],
)
def test_subjects(subject: Subject, field: str | None) -> None:
    """All together is no subject."""
    found = encode.alert_message(alert(Why.FIRED, subject), ORIGIN)

    assert field == found.WhichOneof("subject")
    assert field is None or "x" == getattr(found, field)


@pytest.mark.parametrize("by", By)
def test_every_kind_of_subject_can_be_said(by: By) -> None:
    """None is left out of the contract."""
    names = {field.name for field in alert_pb2.Alert.DESCRIPTOR.oneofs_by_name["subject"].fields}

    assert by is By.ALL or by.value in names


def test_every_word_can_be_said() -> None:
    """Each kind, severity, state and end has a word of the contract, and each word a meaning."""
    ends = [why for why in Why if phase(alert(why)) is Phase.RESOLVED]
    for words, known, told in (
        (alert_pb2.AlertKind, RuleKind, encode.KINDS),
        (alert_pb2.AlertSeverity, Severity, encode.SEVERITIES),
        (alert_pb2.AlertState, Phase, encode.STATES),
        (alert_pb2.AlertEnd, ends, encode.ENDS),
    ):
        prefix = words.DESCRIPTOR.values_by_number[0].name.removesuffix("UNSPECIFIED")
        assert {one: f"{prefix}{one.name}" for one in known} == {
            one: words.DESCRIPTOR.values_by_number[number].name for one, number in told.items()
        }
        assert len(words.DESCRIPTOR.values) == len(told) + 1


def test_what_is_not_known() -> None:
    """No reading is no value of 0, and a limit beyond all numbers is not told."""
    unread = encode.alert_message(alert(Why.NO_DATA, value=None), ORIGIN)
    rule = CostSpike("spike", Limits(3.0, 2.0))
    standing = Standing(reading=Reading(5.0, Limits(math.inf, 2.0)))
    endless = encode.alert_message(Alert(rule, ALL, Why.FIRED, standing, 0.0), ORIGIN)

    assert not unread.HasField("value")
    assert not unread.HasField("threshold")
    assert (5.0, False) == (endless.value, endless.HasField("threshold"))
    assert "nano_usd/min" == endless.unit


def test_lists_are_cut() -> None:
    """Of many alerts the first are told, and how many there are."""
    many = [alert(Why.FIRED, Subject(By.PROVIDER, f"p{place:02}")) for place in range(30)]
    known = Known([*many, alert(Why.PENDING)], ORIGIN, 2, 1_700_000_000.0)
    overview = pb.GetOverviewResponse()

    told = encode.alert_list(known, Wish(limit=3), "acme")
    encode.add_firing(overview, known, "acme")

    assert ["p00", "p01", "p02"] == [one.provider for one in told.alerts]
    assert (31, 2, 1_700_000_000) == (told.alert_count, told.rule_count, told.check_time.seconds)
    assert (20, 30) == (len(overview.firing_alerts), overview.firing_alert_count)


def test_nothing_was_looked_at_yet() -> None:
    """Before the first look there is no time of one."""
    told = encode.alert_list(Known((), ORIGIN, 2, None), Wish(), None)

    assert not told.HasField("check_time")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, Wish()),
        ({"limit": 7}, Wish(limit=7)),
        ({"states": [1, 3]}, Wish(phases=frozenset({Phase.FIRING, Phase.RESOLVED}))),
        ({"severities": [2, 2]}, Wish(severities=frozenset({Severity.CRITICAL}))),
    ],
)
def test_what_is_asked_for(asked: dict[str, Any], expected: Wish) -> None:
    """What is not said is all, and a hundred."""
    assert expected == alert_wish(pb.ListAlertsRequest(**asked))


def test_mistakes() -> None:
    """Every one is told, with its place and what could be said."""
    asked: dict[str, Any] = {"states": [1, 0], "severities": [9], "limit": 1001}
    with pytest.raises(ServiceFailure) as failure:
        alert_wish(pb.ListAlertsRequest(**asked))

    assert ErrorReason.INVALID_REQUEST is failure.value.reason
    assert {
        "states[1]": "is none of those that there are: firing, pending, resolved",
        "severities[0]": "is none of those that there are: warning, critical",
        "limit": "must be between 0 and 1000, is 1001",
    } == {one.field: one.description for one in failure.value.violations}

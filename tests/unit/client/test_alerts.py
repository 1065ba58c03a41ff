"""What is asked about alerts, and how their figures are told."""

from __future__ import annotations

from typing import Any

import pytest
from aiprovider.v1 import alert_pb2
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider_client.alerts import ALERT_STATES, SEVERITIES, alerts_request
from aiprovider_client.cli.alerts import as_csv, as_table


def test_every_word_can_be_asked_for() -> None:
    """The client's words are the contract's, all of them."""
    asked = alerts_request(ALERT_STATES, SEVERITIES, 3)

    assert [*alert_pb2.AlertState.values()][1:] == list(asked.states)
    assert [*alert_pb2.AlertSeverity.values()][1:] == list(asked.severities)
    assert 3 == asked.limit


@pytest.mark.parametrize("asked", [(["calm"], (), 0), ((), ["bad"], 0), ((), (), -1)])
def test_what_cannot_be_meant(asked: Any) -> None:
    """It is refused before anybody is asked."""
    with pytest.raises(ValueError, match=r"calm|bad|-1"):
        alerts_request(*asked)


@pytest.mark.parametrize(
    ("unit", "figures", "expected"),
    [
        ("share", (0.25, 0.2, 0.1), "25.0 % at least 20.0 %"),
        ("share", (0.4, 0.5, 0.8), "40.0 % at most 50.0 %"),
        ("s", (12.5, 10.0, 8.0), "12 s at least 10 s"),
        ("down", (1.0, 1.0, 0.0), "down down"),
        ("nano_usd/min", (1.5e9, 5e8, 4e8), "$1.50/min at least $0.50/min"),
        ("share", (None, None, None), "- -"),
        ("nano_usd/min", (5.0, None, None), "$0.000000005/min -"),
        ("quanta", (2.0, 1.0, 0.5), "2 quanta at least 1 quanta"),
    ],
)
def test_figures(unit: str, figures: tuple[float | None, ...], expected: str) -> None:
    """Each unit in the words of people; what is not known is no 0."""
    value, threshold, clear = figures
    alert = alert_pb2.Alert(
        rule="r", unit=unit, value=value, threshold=threshold, clear_threshold=clear
    )
    told = pb.ListAlertsResponse(alerts=[alert], alert_count=1, rule_count=1)
    line = as_table(told).splitlines()[1]
    raw = ["" if one is None else str(one) for one in figures]

    assert expected in " ".join(line.split())
    assert f",{','.join(raw)},{unit}," in as_csv(told)


def test_nothing() -> None:
    """That nothing is wrong, that nobody looked yet, and that nobody looks are told apart."""
    looked = pb.ListAlertsResponse(rule_count=2, check_time={"seconds": 1_800_000_000})

    assert "no alerts; 2 rules, checked at 2027-01-15T08:00:00Z" == as_table(looked)
    assert "no alerts; 2 rules, not checked yet" == as_table(pb.ListAlertsResponse(rule_count=2))
    assert "no alerts; no rule is in force: nothing is watched" == as_table(pb.ListAlertsResponse())
    assert "no such alerts; 1 rule, not checked yet" == as_table(
        pb.ListAlertsResponse(rule_count=1), "no such alerts"
    )

"""Which alerts somebody wants to see, or every mistake in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from aiprovider.v1 import alert_pb2
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.alert_list import Phase, Wish
from service.domain.alert_rules import Severity
from service.rpc.decode.check import Check

_LIMIT = 100
_LIMIT_MAX = 1000
STATES: Mapping[alert_pb2.AlertState, Phase] = {
    alert_pb2.ALERT_STATE_FIRING: Phase.FIRING,
    alert_pb2.ALERT_STATE_PENDING: Phase.PENDING,
    alert_pb2.ALERT_STATE_RESOLVED: Phase.RESOLVED,
}
SEVERITIES: Mapping[alert_pb2.AlertSeverity, Severity] = {
    alert_pb2.ALERT_SEVERITY_WARNING: Severity.WARNING,
    alert_pb2.ALERT_SEVERITY_CRITICAL: Severity.CRITICAL,
}


def alert_wish(request: pb.ListAlertsRequest) -> Wish:
    """Raises ServiceFailure."""
    check = Check()
    _check("states", request.states, STATES, check)
    _check("severities", request.severities, SEVERITIES, check)
    check.within("limit", request.limit, 0, _LIMIT_MAX)
    check.finish()
    return Wish(
        frozenset(STATES[one] for one in request.states or STATES),
        frozenset(SEVERITIES[one] for one in request.severities or SEVERITIES),
        request.limit or _LIMIT,
    )


def _check(field: str, values: Sequence[int], known: Mapping[Any, Enum], check: Check) -> None:
    for place, value in enumerate(values):
        if value not in known:
            words = ", ".join(one.value for one in known.values())
            check.refuse(f"{field}[{place}]", f"is none of those that there are: {words}")

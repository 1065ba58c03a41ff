"""Which alerts are asked for, in Python's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from aiprovider.v1 import analytics_service_pb2 as pb

AlertState = Literal["firing", "pending", "resolved"]
ALERT_STATES: tuple[AlertState, ...] = get_args(AlertState)
Severity = Literal["warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


def alerts_request(
    states: Iterable[AlertState], severities: Iterable[Severity], limit: int
) -> pb.ListAlertsRequest:
    """Raises ValueError for a word that the contract does not have, and for a limit below 0."""
    if limit < 0:
        raise ValueError(f"limit must be at least 0, is {limit}")
    return pb.ListAlertsRequest(
        states=[f"ALERT_STATE_{_of('state', one, ALERT_STATES).upper()}" for one in states],
        severities=[
            f"ALERT_SEVERITY_{_of('severity', one, SEVERITIES).upper()}" for one in severities
        ],
        limit=limit,
    )


def _of(name: str, word: str, known: Iterable[str]) -> str:
    if word not in known:
        raise ValueError(f"{name} {word!r} is none of {', '.join(known)}")
    return word

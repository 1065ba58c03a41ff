"""An alert in the words of a webhook: JSON and its headers. Pure.

The schema stands in docs/alerts.md; within `version` 1 fields are only added.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from service.domain.alert_list import Phase, phase
from service.domain.alert_rules import Subject
from service.domain.alerts import Alert, Reading, Why
from service.domain.signing import signature

VERSION = 1
_ID_CHARS = 32
_STATES = {Phase.FIRING: "is firing", Phase.PENDING: "is pending", Phase.RESOLVED: "is over"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who tells. `started` sets one process of a replica apart from the next."""

    service: str
    environment: str
    replica: str
    started: str


@dataclass(frozen=True, slots=True)
class Notice:
    """`id` is another one each time something is told; a retry has the same."""

    id: str
    rule: str
    body: bytes


def firing_id(alert: Alert, origin: Origin) -> str:
    """The same for everything that is told of one firing."""
    parts = (origin.replica, origin.started, alert.rule.name, *_named(alert.subject))
    text = "\n".join((*parts, repr(alert.standing.since)))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARS]


def notice(alert: Alert, origin: Origin) -> Notice:
    body = orjson.dumps(document(alert, origin))
    return Notice(f"{firing_id(alert, origin)}.{alert.number}", alert.rule.name, body)


def document(alert: Alert, origin: Origin) -> Mapping[str, Any]:
    """What the body says."""
    rule, standing = alert.rule, alert.standing
    over = not alert.is_firing
    by, name = _named(alert.subject)
    return {
        "version": VERSION,
        "id": firing_id(alert, origin),
        "number": alert.number,
        "state": "resolved" if over else "firing",
        "why": alert.why.value,
        "rule": rule.name,
        "kind": rule.kind.value,
        "severity": rule.severity.value,
        "subject": {"by": by, "name": name},
        **measured(standing.reading),
        "unit": rule.unit,
        "since": _moment(standing.since),
        "resolved": _moment(alert.at) if over else None,
        "told": _moment(alert.at),
        "service": origin.service,
        "environment": origin.environment,
        "replica": origin.replica,
        "summary": summary(alert),
    }


def summary(alert: Alert) -> str:
    """One sentence for people."""
    rule, reading = alert.rule, alert.standing.reading
    who = f"{rule.name} ({alert.subject})"
    match alert.why:
        case Why.NO_DATA:
            return f"{who} is over: nothing was known of it for a day"
        case Why.RULE_CHANGED:
            return f"{who} is over: the rule was changed or removed"
        case _:
            pass
    told = "" if reading is None else f": {_number(reading.value)} {rule.unit}"
    found = phase(alert)
    if found is not Phase.RESOLVED and reading is not None:
        less = reading.limits.worse < reading.limits.clear
        told += f", {'at most' if less else 'at least'} {_number(reading.limits.worse)}"
    return f"{who} {_STATES[found]}{told}"


def headers(notice: Notice, secret: str, at_s: int) -> dict[str, str]:
    """`at_s` is when it is sent, in seconds since the epoch."""
    return {
        "content-type": "application/json",
        "webhook-id": notice.id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature(notice.id, at_s, notice.body, secret),
    }


def measured(reading: Reading | None) -> Mapping[str, float | None]:
    """None for what is not known, and for what JSON cannot say."""
    if reading is None:
        return {"value": None, "threshold": None, "clear_threshold": None}
    value, (worse, clear) = reading
    return {"value": _finite(value), "threshold": _finite(worse), "clear_threshold": _finite(clear)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _named(subject: Subject) -> tuple[str, str]:
    return subject.by.value, subject.name


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}"

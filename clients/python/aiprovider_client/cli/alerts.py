"""`aip alerts`: what fires, what is pending, and what was lately, for a person and as CSV."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections import Counter

from aiprovider.v1 import alert_pb2
from aiprovider.v1 import analytics_service_pb2 as pb

from aiprovider_client.cli import output
from aiprovider_client.cli.figures import iso, usd
from aiprovider_client.cli.requests import client_of
from aiprovider_client.cli.tables import NOTHING, part, span, table, words

_COLUMNS = (
    *("state", "severity", "rule", "kind", "by", "subject"),
    *("value", "threshold", "clear_threshold", "unit"),
    *("since_time", "resolve_time", "end", "id", "summary"),
)
_DOWN = {1.0: "down", 0.5: "on trial", 0.0: "up"}


async def alerts(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        told = await client.alerts(options.state, options.severity, limit=options.top)
    match "json" if options.json else options.format:
        case "json":
            output.print_json(told)
        case "csv":
            sys.stdout.write(as_csv(told))
        case _:
            chosen = options.state or options.severity
            print(as_table(told, "no such alerts" if chosen else "no alerts"))
    return 0


def as_table(told: pb.ListAlertsResponse, none: str = "no alerts") -> str:
    """`none` says that there are none."""
    found = told.alerts
    lines = table(
        ("state", [state(one) for one in found]),
        ("severity", [severity(one) for one in found]),
        ("rule", [one.rule for one in found]),
        ("of", [_of(one) for one in found]),
        (">value", [_value(one) for one in found]),
        ("bad at", [_limit(one) for one in found]),
        ("since", [iso(one.since_time) for one in found]),
        ("until", [_until(one) for one in found]),
        ("ended", [words(_end(one)) for one in found]),
    )
    return "\n".join(filter(None, (lines, _summary(told, none))))


def as_csv(told: pb.ListAlertsResponse) -> str:
    """Raw numbers, in `unit`. What is not known is empty."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(_COLUMNS)
    for one in told.alerts:
        by = one.WhichOneof("subject")
        lines.writerow(
            [
                *(state(one), severity(one), one.rule, _kind(one)),
                *(by or "all", getattr(one, by) if by else ""),
                *(
                    getattr(one, name) if one.HasField(name) else ""
                    for name in ("value", "threshold", "clear_threshold")
                ),
                *(one.unit, iso(one.since_time), _until(one), _end(one), one.id, one.summary),
            ]
        )
    return text.getvalue()


def state(one: alert_pb2.Alert) -> str:
    return words(alert_pb2.AlertState.Name(one.state).removeprefix("ALERT_STATE_"))


def severity(one: alert_pb2.Alert) -> str:
    return words(alert_pb2.AlertSeverity.Name(one.severity).removeprefix("ALERT_SEVERITY_"))


def _kind(one: alert_pb2.Alert) -> str:
    return alert_pb2.AlertKind.Name(one.kind).removeprefix("ALERT_KIND_").lower()


def _of(one: alert_pb2.Alert) -> str:
    by = one.WhichOneof("subject")
    return f"{by} {getattr(one, by)}" if by else "all"


def _value(one: alert_pb2.Alert) -> str:
    return _number(one.value, one.unit) if one.HasField("value") else NOTHING


def _limit(one: alert_pb2.Alert) -> str:
    if not one.HasField("threshold"):
        return NOTHING
    limit = _number(one.threshold, one.unit)
    if one.unit == "down":
        return limit
    less = one.HasField("clear_threshold") and one.threshold < one.clear_threshold
    return f"{'at most' if less else 'at least'} {limit}"


def _number(value: float, unit: str) -> str:
    match unit:
        case "share":
            return part(value)
        case "s":
            return span(value)
        case "down":
            return _DOWN.get(value, f"{value:g}")
        case "nano_usd/min":
            return f"{usd(round(value))}/min"
        case _:
            return f"{value:g} {unit}"


def _until(one: alert_pb2.Alert) -> str:
    return iso(one.resolve_time) if one.HasField("resolve_time") else ""


def _end(one: alert_pb2.Alert) -> str:
    return alert_pb2.AlertEnd.Name(one.end).removeprefix("ALERT_END_").lower() if one.end else ""


def _summary(told: pb.ListAlertsResponse, none: str) -> str:
    counts = Counter(state(one) for one in told.alerts)
    more = told.alert_count - len(told.alerts)
    some = [f"{count} {word}" for word, count in counts.items()]
    some += [f"{more} more"] if more > 0 else []
    rules = f"{told.rule_count} {'rule' if told.rule_count == 1 else 'rules'}"
    if not told.rule_count:
        watched = "no rule is in force: nothing is watched"
    elif told.HasField("check_time"):
        watched = f"{rules}, checked at {iso(told.check_time)}"
    else:
        watched = f"{rules}, not checked yet"
    return f"{', '.join(some) or none}; {watched}"

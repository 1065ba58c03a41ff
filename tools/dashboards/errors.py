"""What failed, and why."""

from __future__ import annotations

from service.telemetry import catalogue as of
from tools.dashboards.panels import Board, lines, stacked, stat
from tools.dashboards.query import CALLS, Where, gauge, increase, legend, or_none, rate, share
from tools.dashboards.terms import BAD_SHARE, FAILED, LOST, failing

# Of what callers can fix themselves the metric tells no reason.
_NOT_CALLERS: Where = {**FAILED, of.ERROR: '!=""'}


def errors() -> Board:
    answered = share(rate(of.FAILOVERS, where={of.OUTCOME: '="ok"'}), rate(of.FAILOVERS))
    panels = [
        stat(
            "Failed",
            "Share of requests that did not end with OK.",
            failing(),
            "percentunit",
            BAD_SHARE,
        ),
        stat(
            "Failed requests",
            "In the time that is shown.",
            or_none(increase(of.CALL_DURATION, where=FAILED)),
            "short",
        ),
        stat(
            "Failovers that helped",
            "Share of failed attempts whose call was answered all the same.",
            answered,
            "percentunit",
        ),
        stat(
            "Alerts",
            "Rules that fire in the service itself.",
            or_none(gauge(of.ALERT_FIRING)),
            "short",
            (("red", 1),),
        ),
        stacked(
            "By status",
            "Failed requests per second.",
            [(rate(of.CALL_DURATION, (of.STATUS,), FAILED), legend(of.STATUS))],
            "reqps",
        ),
        stacked(
            "By reason",
            "Those that no caller can fix, per second, by what callers were told: docs/errors.md.",
            [(rate(of.CALL_DURATION, (of.ERROR,), _NOT_CALLERS), legend(of.ERROR))],
            "reqps",
        ),
        lines(
            "Failed share by method",
            "Of the requests of each method.",
            [
                (
                    share(
                        rate(of.CALL_DURATION, (of.METHOD,), FAILED),
                        rate(of.CALL_DURATION, (of.METHOD,), CALLS),
                    ),
                    legend(of.METHOD),
                )
            ],
            "percentunit",
        ),
        stacked(
            "Attempts by reason",
            "Failed attempts per second, whatever became of the request.",
            [(rate(of.ATTEMPTS, (of.ERROR,), LOST), legend(of.ERROR))],
            "reqps",
        ),
        stacked(
            "Attempts by provider",
            "Failed attempts per second.",
            [(rate(of.ATTEMPTS, (of.PROVIDER,), LOST), legend(of.PROVIDER))],
            "reqps",
        ),
        stacked(
            "Failovers",
            "Failed attempts after which another one was made, by whether the call was answered.",
            [(rate(of.FAILOVERS, (of.OUTCOME,)), legend(of.OUTCOME))],
            "reqps",
        ),
        lines(
            "Requests of tenants that fail",
            "Failed requests per second; tenants that `telemetry.tenants` does not name are one.",
            [(rate(of.CALL_DURATION, (of.TENANT,), FAILED), legend(of.TENANT))],
            "reqps",
        ),
        lines(
            "Alerts",
            "Rules that fire.",
            [
                (
                    gauge(of.ALERT_FIRING, "max", of.ALERT_FIRING.attributes),
                    legend(*of.ALERT_FIRING.attributes),
                )
            ],
            "short",
        ),
    ]
    return Board("errors", "Errors", "What failed, why, and what failover made good.", panels)

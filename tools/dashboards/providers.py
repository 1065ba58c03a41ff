"""How each provider does."""

from __future__ import annotations

from service.telemetry import catalogue as of
from tools.dashboards.panels import Board, lines, stacked, states
from tools.dashboards.query import Where, gauge, legend, quantile, rate, share
from tools.dashboards.terms import LOST

_DECIDED: Where = {of.OUTCOME: '=~"ok|failed"'}
_STATES = {0: ("closed", "green"), 1: ("half-open", "orange"), 2: ("open", "red")}


def providers() -> Board:
    failing = share(
        rate(of.ATTEMPTS, (of.PROVIDER,), LOST), rate(of.ATTEMPTS, (of.PROVIDER,), _DECIDED)
    )
    panels = [
        states(
            "Circuits",
            "The worst state over models, deployments and replicas: an open circuit is not asked.",
            (gauge(of.CIRCUIT, "max", (of.PROVIDER,)), legend(of.PROVIDER)),
            _STATES,
        ),
        stacked(
            "Attempts",
            "Calls to providers that ended, per second.",
            [(rate(of.ATTEMPTS, (of.PROVIDER,)), legend(of.PROVIDER))],
            "reqps",
        ),
        lines(
            "Failed",
            "Share of attempts that failed, of those that were not cancelled.",
            [(failing, legend(of.PROVIDER))],
            "percentunit",
        ),
        lines(
            "Duration, half within",
            "How long attempts took.",
            [(quantile(0.5, of.OPERATION_DURATION, (of.PROVIDER,)), legend(of.PROVIDER))],
            "s",
        ),
        lines(
            "Duration, 95 of 100 within",
            "How long attempts took.",
            [(quantile(0.95, of.OPERATION_DURATION, (of.PROVIDER,)), legend(of.PROVIDER))],
            "s",
        ),
        lines(
            "First chunk, 95 of 100 within",
            "How long providers took to begin a stream.",
            [(quantile(0.95, of.FIRST_CHUNK, (of.PROVIDER,)), legend(of.PROVIDER))],
            "s",
        ),
        stacked(
            "Why attempts failed",
            "Failed attempts per second.",
            [(rate(of.ATTEMPTS, (of.PROVIDER, of.ERROR), LOST), legend(of.PROVIDER, of.ERROR))],
            "reqps",
        ),
        stacked(
            "Failovers",
            "Failed attempts after which another one was made, by whether the call was answered.",
            [(rate(of.FAILOVERS, (of.PROVIDER, of.OUTCOME)), legend(of.PROVIDER, of.OUTCOME))],
            "reqps",
        ),
        stacked(
            "Hedges",
            "Attempts made beside a slow first one.",
            [(rate(of.HEDGES, (of.PROVIDER, of.OUTCOME)), legend(of.PROVIDER, of.OUTCOME))],
            "reqps",
        ),
    ]
    return Board(
        "providers", "Providers", "How each provider does, and what happens when one fails.", panels
    )

"""How fast: durations, phases, what is in flight, and how the process itself does."""

from __future__ import annotations

from service.telemetry import catalogue as of
from tools.dashboards.panels import Board, Panel, lines, stacked, stat
from tools.dashboards.query import CALLS, gauge, legend, quantile, rate, spent
from tools.dashboards.terms import BAD_SHARE, failing, quantiles


def performance() -> Board:
    panels: list[Panel] = [
        stat(
            "Requests",
            "Completions and embeddings that ended, per second.",
            rate(of.CALL_DURATION, where=CALLS),
            "reqps",
        ),
        stat(
            "Failed",
            "Share of requests that did not end with OK.",
            failing(),
            "percentunit",
            BAD_SHARE,
        ),
        stat(
            "95 of 100 within",
            "Duration of requests.",
            quantile(0.95, of.CALL_DURATION, where=CALLS),
            "s",
        ),
        stat(
            "In flight",
            "Requests that are being carried out, on all replicas.",
            gauge(of.IN_FLIGHT),
            "short",
        ),
        lines(
            "Duration",
            "From the arrival of a request to its status. Streams count to their end.",
            quantiles(of.CALL_DURATION, CALLS),
            "s",
        ),
        lines(
            "First token",
            "How long callers waited for the beginning of a stream, failed attempts included.",
            quantiles(of.FIRST_TOKEN),
            "s",
        ),
        stacked(
            "Requests by method",
            "Requests that ended, per second.",
            [(rate(of.CALL_DURATION, (of.METHOD,), CALLS), legend(of.METHOD))],
            "reqps",
        ),
        stacked(
            "Where the time goes",
            "Seconds spent per second, by phase. `provider` should be far above the others.",
            [(spent(of.PHASE_DURATION, (of.PHASE,)), legend(of.PHASE))],
            "s",
        ),
        lines(
            "Phases, 95 of 100",
            "How long each phase took at worst for 95 of 100 requests.",
            [(quantile(0.95, of.PHASE_DURATION, (of.PHASE,)), legend(of.PHASE))],
            "s",
        ),
        lines(
            "In flight and waiting",
            "Waiting requests have no candidate with room: the providers' limits are met.",
            [(gauge(of.IN_FLIGHT), "in flight"), (gauge(of.WAITING), "waiting")],
            "short",
        ),
        lines(
            "Event loop",
            "How late the loop of the worst replica was. Above 0.1 s callers feel it.",
            [(gauge(of.LOOP_LAG, "max"), "lag")],
            "s",
        ),
        lines(
            "Records dropped",
            "Records that found a full queue, per second: what is drawn here is then too low.",
            [(rate(of.DROPPED, (of.QUEUE,)), legend(of.QUEUE))],
            "short",
        ),
    ]
    return Board(
        "performance",
        "Performance",
        "How many requests, how long they took, and where the time went.",
        panels,
    )

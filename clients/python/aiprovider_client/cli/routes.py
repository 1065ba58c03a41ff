"""How a request would be, or was, routed: who is asked first, who next, who not at all and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2

from aiprovider_client.cli import cost_text
from aiprovider_client.cli.cache_text import expected
from aiprovider_client.cli.tables import (
    NOTHING,
    Column,
    cost,
    duration,
    epoch_s,
    load,
    part,
    place,
    span,
    table,
    words,
)

_Attempts = Sequence[routing_pb2.Attempt]
_Candidates = Sequence[routing_pb2.Candidate]


def explained(explanation: pb.ExplainRouteResponse, now: float) -> str:
    """`now` is in seconds since the epoch."""
    told = [_candidates(explanation.candidates, now), _choice(explanation.route)]
    return "\n".join([*told, expected(explanation)])


def routed(route: routing_pb2.RouteTrace, now: float) -> str:
    """What was tried, who else could have been, and how the first was chosen."""
    told: list[str] = []
    if route.attempts:
        told.append(_attempts(route.attempts))
    if route.candidates:
        told.append(_candidates(route.candidates, now))
    return "\n".join([*told, _choice(route)])


def unanswered(attempts: _Attempts) -> _Attempts:
    """Those that did not give the answer."""
    return [one for one in attempts if one.outcome != routing_pb2.Attempt.OUTCOME_OK]


def attempt(tried: routing_pb2.Attempt) -> str:
    status = f" (HTTP {tried.http_status})" if tried.http_status else ""
    took_ms = tried.duration.ToMicroseconds() / 1000
    waited = tried.start_offset.ToMilliseconds() > 0
    took = f"{took_ms:.0f} ms{f' from {_start(tried)} on' if waited else ''}"
    return f"{place(tried.target)}: {tried.reason or _outcome(tried)}{status}, {took}"


def _candidates(found: _Candidates, now: float) -> str:
    same_name = len({one.asked_as for one in found}) < 2
    return table(
        (">#", [str(n) if one.eligible else NOTHING for n, one in enumerate(found, 1)]),
        ("candidate", [place(one.target) for one in found]),
        (">share", [part(one.share) if one.eligible else NOTHING for one in found]),
        (">score", [f"{one.score:.3f}" if one.eligible else NOTHING for one in found]),
        *_terms(found),
        (">quality", [part(one.quality) for one in found]),
        (">expected time", [duration(one.expected_duration) for one in found]),
        (">expected cost", [cost(one.estimated_cost_nano_usd) for one in found]),
        (">in flight", [load(one.in_flight, one.concurrency_limit) for one in found]),
        ("asked as", ["" if same_name else one.asked_as for one in found]),
        ("not tried", [_why_not(one, now) for one in found]),
    )


def _terms(found: _Candidates) -> list[Column]:
    """What a score is the sum of, and the heading says so: `score  = health  + success`."""
    names = sorted({name for one in found for name in one.score_terms})
    return [
        (
            f">+ {name}" if index else f">= {name}",
            [f"{one.score_terms[name]:.3f}" if one.score_terms else NOTHING for one in found],
        )
        for index, name in enumerate(names)
    ]


def _why_not(one: routing_pb2.Candidate, now: float) -> str:
    if one.eligible:
        return ""
    why = words(one.ineligible_reason) or "no reason told"
    if not one.HasField("cooldown_until_time"):
        return why
    until = epoch_s(one.cooldown_until_time)
    moment = datetime.fromtimestamp(until, UTC)
    return f"{why} until {moment:%H:%M:%S} UTC, for {span(max(until - now, 0.0))}"


def _choice(route: routing_pb2.RouteTrace) -> str:
    by = f"by {route.policy or 'an unnamed policy'} (version {route.policy_version or '?'})"
    if route.trial:
        return f"{by}; the first is asked to find out whether it is back"
    if not route.propensity:
        return f"{by}; nobody can be asked"
    return (
        f"{by}; the first had a chance of {part(route.propensity)}, the draw was {route.draw:.3f}"
    )


def _attempts(tried: _Attempts) -> str:
    return table(
        (">#", [str(number) for number in range(1, len(tried) + 1)]),
        ("attempt", [place(one.target) + " (hedge)" * one.hedge for one in tried]),
        ("outcome", [_outcome(one) for one in tried]),
        (">started after", [_start(one) for one in tried]),
        (">took", [span(one.duration.ToMicroseconds() / 1e6) for one in tried]),
        (">first token", [duration(one.time_to_first_token) for one in tried]),
        ("why", [one.reason for one in tried]),
        (">HTTP", [str(one.http_status or "") for one in tried]),
        (">cost", [cost_text.cost(one.cost) if one.HasField("cost") else "" for one in tried]),
    )


def _start(tried: routing_pb2.Attempt) -> str:
    """Nothing where an older service did not say."""
    if not tried.HasField("start_offset"):
        return ""
    return span(tried.start_offset.ToMicroseconds() / 1e6)


def _outcome(tried: routing_pb2.Attempt) -> str:
    return words(routing_pb2.Attempt.Outcome.Name(tried.outcome).removeprefix("OUTCOME_"))

"""How a route is told to a person."""

from __future__ import annotations

import re

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2
from aiprovider_client.cli import routes
from aiprovider_client.cli.tables import cost, span, table

NOW_S = 1_800_000_000.0


def candidate(provider: str, **fields: object) -> routing_pb2.Candidate:
    target = routing_pb2.ModelRef(provider=provider, model="m", deployment="eu" * (provider == "b"))
    candidate = routing_pb2.Candidate(target=target, quality=0.9, asked_as="m")
    candidate.MergeFrom(routing_pb2.Candidate(**fields))  # pyright: ignore[reportArgumentType]
    return candidate


FIRST = candidate(
    "a",
    eligible=True,
    share=0.75,
    score=-1.25,
    score_terms={"time": -1.0, "quality": -0.25},
    expected_duration={"seconds": 2, "nanos": 340_000_000},
    estimated_cost_nano_usd=1_250_000,
    in_flight=3,
    concurrency_limit=12,
)
OPEN = candidate(
    "b",
    ineligible_reason="circuit_open",
    cooldown_until_time={"seconds": int(NOW_S) + 12},
    in_flight=1,
)


def test_candidates() -> None:
    """Rank, deployment, share, what the score is the sum of; or why not, and until when."""
    route = routing_pb2.RouteTrace(
        policy="latency", policy_version="2", propensity=0.75, draw=0.5, candidates=[FIRST, OPEN]
    )
    told = routes.explained(
        pb.ExplainRouteResponse(candidates=[FIRST, OPEN], route=route, cache_key="c0ffee"), NOW_S
    )

    sums = "share; score; = quality; + time; quality"
    expected = [
        f"#; candidate; {sums}; expected time; expected cost; in flight; not tried",
        "1; a/m; 75.0 %; -1.250; -0.250; -1.000; 90.0 %; 2.34 s; $0.001250; 3/12",
        "-; b@eu/m; -; -; -; -; 90.0 %; -; -; 1; circuit open until 08:00:12 UTC, for 12 s",
        "by latency (version 2); the first had a chance of 75.0 %, the draw was 0.500",
        "cache key c0ffee: memory would not answer",
    ]
    assert expected == [re.sub("  +", "; ", line) for line in told.splitlines()]


def test_a_cooldown_that_is_over() -> None:
    """By this machine's clock it may be over already: no negative time is told."""
    told = routes.explained(pb.ExplainRouteResponse(candidates=[OPEN]), NOW_S + 60)

    assert "until 08:00:12 UTC, for 0 ms" in told


def test_fallbacks() -> None:
    """The names by which candidates were asked for are told where they differ."""
    other = candidate("c", eligible=True, asked_as="n", tier=1)
    told = routes.explained(pb.ExplainRouteResponse(candidates=[FIRST, other]), NOW_S)

    assert ["asked as", "m", "n"] == [line.split("  ")[-1] for line in told.splitlines()[:3]]


def test_a_trial() -> None:
    """A first that was put there to find out whether it is back was not drawn."""
    route = routing_pb2.RouteTrace(policy="cost", policy_version="2", propensity=1, trial=True)

    expected = "by cost (version 2); the first is asked to find out whether it is back"
    assert expected == routes.routed(route, NOW_S)


def test_attempts() -> None:
    """Each attempt in the order in which they started, a hedge as such."""
    target = routing_pb2.ModelRef(provider="a", model="m")
    attempts = [
        routing_pb2.Attempt(
            target=target,
            outcome=routing_pb2.Attempt.OUTCOME_FAILED,
            reason="PROVIDER_TIMEOUT",
            http_status=504,
            duration={"seconds": 2},
            start_offset={},
        ),
        routing_pb2.Attempt(
            target=target,
            outcome=routing_pb2.Attempt.OUTCOME_OK,
            duration={"nanos": 40_000_000},
            start_offset={"seconds": 1, "nanos": 500_000_000},
            time_to_first_token={"nanos": 20_000_000},
            hedge=True,
        ),
    ]
    told = routes.routed(routing_pb2.RouteTrace(attempts=attempts), NOW_S)

    assert [
        "#  attempt      outcome  started after    took  first token  why               HTTP",
        "1  a/m          failed            0 ms  2.00 s            -  PROVIDER_TIMEOUT   504",
        "2  a/m (hedge)  ok              1.50 s   40 ms        20 ms",
    ] == told.splitlines()[:3]


def test_one_attempt() -> None:
    """When it began is told of those that began later than the request could have."""
    target = routing_pb2.ModelRef(provider="a", model="m")
    first = routing_pb2.Attempt(target=target, reason="PROVIDER_TIMEOUT", duration={"seconds": 2})
    second = routing_pb2.Attempt(start_offset={"seconds": 3})
    second.MergeFrom(first)

    assert "a/m: PROVIDER_TIMEOUT, 2000 ms" == routes.attempt(first)
    assert "a/m: PROVIDER_TIMEOUT, 2000 ms from 3.00 s on" == routes.attempt(second)


def test_a_table() -> None:
    """Words stand to the left, numbers to the right; a column that says nothing is left out."""
    told = table(("name", ["a", "long name"]), (">count", ["1", "22"]), ("note", ["", ""]))

    assert "name       count\na              1\nlong name     22" == told


def test_spans_and_costs() -> None:
    """Figures are as long as a reader can use; an unknown price is no price of 0."""
    assert ["0 ms", "999 ms", "1.00 s", "12 s"] == [span(s) for s in (0, 0.999, 1, 12.3)]
    assert ["599 s", "10 min", "2.0 h"] == [span(s) for s in (599, 600, 7200)]
    assert ["-", "$0.000001", "$1.500000"] == [cost(n) for n in (0, 1_000, 1_500_000_000)]

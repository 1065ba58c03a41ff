"""What is told of the past is what callers were told: every request, attempt and nano-USD, once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.reasons import ErrorReason
from tests.integration.analytics_calls import (
    CHEAP,
    DEAR,
    analysed,
    by,
    costs,
    errors,
    failure_of,
    performance,
    serves,
)
from tests.kit.serving import Served, Status, details, serving, streaming, unary

ANSWER = 3 * 1 + 2 * 5
"""What 3 tokens for 2 cost at the cheap provider, in nano-USD."""
DEAR_ANSWER = 3 * 7 + 2 * 20
RED, BLUE = {"team": "red"}, {"team": "blue", "user": "u1"}


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> Any:
    """Of `acme`: an answer, a hit, a stream, a failover that was answered, one that was not, and a
    mistake of its own. Of `globex`: an answer, and one of unknown price.
    """
    members = (
        serves("cheap", 1, CHEAP, "m"),
        serves("dear", 2, DEAR, "m", "f"),
        serves("broken", 1, CHEAP, "f", "bad", down=True),
        serves("worse", 2, CHEAP, "bad", down=True),
        serves("free", 1, None, "u"),
    )
    async with analysed(tmp_path, *members) as (served, _):
        ask = served.completion.Complete
        await ask(unary("One", labels=RED), **by("acme"))
        await ask(unary("One", labels=RED), **by("acme"))
        call = served.completion.StreamComplete(streaming("Two", labels=BLUE), **by("acme"))
        assert [event async for event in call]
        await ask(unary("Three", "f"), **by("acme"))
        await failure_of(ask(unary("Four", "bad"), **by("acme")))
        await failure_of(ask(unary("Five", "nope"), **by("acme")))
        await ask(unary("One"), **by("globex"))
        await ask(unary("Six", "u"), **by("globex"))
        yield served


def cells(response: Any, *names: str) -> dict[tuple[str, ...], Any]:
    return {tuple(one.dimensions[name] for name in names): one for one in response.buckets}


async def test_usage(served: Served) -> None:
    """A tenant sees its own: requests, failures, hits, failovers, attempts, tokens, cost."""
    told = await served.analytics.QueryUsage(pb.QueryUsageRequest(), **by("acme"))

    total = told.total
    assert (6, 2, 1, 2) == (total.requests, total.errors, total.cache_hits, total.failovers)
    assert 3 == total.usage.output_tokens // 2
    assert 2 * ANSWER + DEAR_ANSWER == total.cost.total_nano_usd
    assert not total.cost.unpriced
    assert (1, 3) == (total.cache.local_hits, total.cache.misses)
    assert total.latency_p50.nanos > 0
    assert [told.total] == [bucket for bucket in told.buckets if not bucket.dimensions]


async def test_costs_by_model(served: Served) -> None:
    """An unknown price is counted and told as unknown; nobody's cost is in it."""
    by_model = costs(group_by=[pb.USAGE_DIMENSION_TENANT, pb.USAGE_DIMENSION_MODEL])
    told = await served.analytics.QueryCosts(by_model, **by("ops"))

    found = cells(told, "tenant", "model")
    assert 2 * ANSWER == found["acme", "m"].cost.total_nano_usd
    assert 3 * 1 * 2 == found["acme", "m"].cost.input_nano_usd
    assert DEAR_ANSWER == found["acme", "f"].cost.total_nano_usd
    assert ANSWER == found["globex", "m"].cost.total_nano_usd
    unknown = found["globex", "u"]
    assert (True, 1, 0) == (
        unknown.cost.unpriced,
        unknown.unpriced_attempts,
        unknown.cost.total_nano_usd,
    )
    assert not unknown.HasField("nano_usd_per_request")
    assert 3 * ANSWER + DEAR_ANSWER == told.total.cost.total_nano_usd
    assert 1 == told.total.unpriced_attempts


async def test_savings(served: Served) -> None:
    """A hit saved what the answer cost; the choice saved what the dear one would have charged."""
    told = await served.analytics.QueryCosts(costs(), **by("acme"))

    savings = told.total.savings
    assert (ANSWER, 0, 0, 0) == (
        savings.cache_nano_usd,
        savings.coalescing_nano_usd,
        savings.repeats_nano_usd,
        savings.unpriced_requests,
    )
    # One and Two could have gone to the dear provider; Three went there though `broken` is cheap.
    assert (3, 2 * (DEAR_ANSWER - ANSWER)) == (
        savings.routing_attempts,
        savings.routing_expected_nano_usd,
    )
    assert (2 * ANSWER + DEAR_ANSWER) // 6 == told.total.nano_usd_per_request


async def test_errors(served: Served) -> None:
    """Why, whose fault, and what failover made good."""
    told = await served.analytics.QueryErrors(errors(), **by("acme"))

    total = told.total
    assert (6, 2, pytest.approx(1 / 3)) == (total.requests, total.errors, total.error_ratio)
    assert [
        ("MODEL_NOT_FOUND", pb.FAULT_OWNER_CALLER, 1),
        ("PROVIDER_UNAVAILABLE", pb.FAULT_OWNER_PROVIDER, 1),
    ] == [(one.reason, one.fault_owner, one.count) for one in total.reasons]
    assert (1, 1, 0) == (total.caller_faults, total.provider_faults, total.service_faults)
    assert (2, 1, 0.5) == (total.failovers, total.recovered, total.failover_success_ratio)
    assert 1 == total.recovery_duration.count
    assert {"PROVIDER_UNAVAILABLE"} == {one.reason for one in total.attempt_reasons}
    assert total.failed_attempts == total.attempts - 3


async def test_performance(served: Served) -> None:
    """Every request has a duration; only those that waited for a provider have a provider's."""
    told = await served.analytics.QueryPerformance(performance(), **by("acme"))

    total = told.total
    assert (6, 1) == (total.total_duration.count, total.time_to_first_token.count)
    assert total.provider_duration.count < 6
    assert 0 < total.total_duration.p50.nanos <= total.total_duration.p99.nanos
    assert total.requests_per_second > 0


async def test_labels(served: Served) -> None:
    """Kept labels can be asked for, others are refused by name."""
    by_team = costs(group_by=[pb.USAGE_DIMENSION_LABEL], label_key="team")
    told = await served.analytics.QueryCosts(by_team, **by("acme"))
    user = costs(group_by=[pb.USAGE_DIMENSION_LABEL], label_key="user")
    refused = await failure_of(served.analytics.QueryCosts(user, **by("acme")))

    found = cells(told, "label:team")
    assert ANSWER == found["red",].cost.total_nano_usd
    assert ANSWER == found["blue",].cost.total_nano_usd
    assert ["query.label_key"] == [v.field for v in details(refused).bad.field_violations]


async def test_filters(served: Served) -> None:
    """Only what has the value is summed."""
    hits = costs(filters={"cache_status": "hit_local"})
    at_dear = costs(filters={"provider": "dear"})
    told = await served.analytics.QueryCosts(hits, **by("acme"))
    dear = await served.analytics.QueryCosts(at_dear, **by("acme"))

    assert (1, 0, ANSWER) == (
        told.total.requests,
        told.total.attempts,
        told.total.savings.cache_nano_usd,
    )
    assert DEAR_ANSWER == dear.total.cost.total_nano_usd


async def test_other_tenants(served: Served) -> None:
    """Without the permission: one's own, grouped or not, and a refusal for another's."""
    by_tenant = costs(group_by=[pb.USAGE_DIMENSION_TENANT])
    own = await served.analytics.QueryCosts(by_tenant, **by("globex"))
    every = await served.analytics.QueryCosts(by_tenant, **by("ops"))
    asked = served.analytics.QueryCosts(costs(filters={"tenant": "acme"}), **by("globex"))
    refused = await failure_of(asked)

    assert {("globex",)} == set(cells(own, "tenant"))
    assert {("acme",), ("globex",)} == set(cells(every, "tenant"))
    assert Status.PERMISSION_DENIED == refused.code()
    assert "analytics_all" in (refused.details() or "")


async def test_ranks(served: Served) -> None:
    """The first by rank are told, the others are one group, and nothing is lost."""
    query = costs(group_by=[pb.USAGE_DIMENSION_MODEL], limit=1)
    told = await served.analytics.QueryCosts(query, **by("ops"))

    assert ["f", "(other)"] == [bucket.dimensions["model"] for bucket in told.buckets]
    assert told.total.cost.total_nano_usd == sum(
        bucket.cost.total_nano_usd for bucket in told.buckets
    )


async def test_overview(served: Served) -> None:
    """One message says what the queries say."""
    told = await served.analytics.GetOverview(pb.GetOverviewRequest(top=2), **by("acme"))
    usage = await served.analytics.QueryUsage(pb.QueryUsageRequest(), **by("acme"))

    assert usage.total.requests == told.usage.requests
    assert usage.total.cost == told.usage.cost == told.costs.cost
    assert 6 == sum(point.requests for point in told.trend)
    assert told.trend_step.seconds == 3600
    assert 24 <= len(told.trend) <= 26
    assert 0 == told.previous_usage.requests
    assert 2 == len(told.top_models)
    assert ["acme"] == [one.dimensions["tenant"] for one in told.top_tenants]
    assert {"broken", "cheap", "dear", "free", "worse"} == {one.provider for one in told.health}
    assert 2 == len(told.errors.reasons)


async def test_no_ledger() -> None:
    """Where none is kept every question says so, and is no fault of the caller's."""
    async with serving() as served:
        refused = [
            await failure_of(served.analytics.QueryUsage(pb.QueryUsageRequest())),
            await failure_of(served.analytics.QueryCosts(costs())),
            await failure_of(served.analytics.GetOverview(pb.GetOverviewRequest())),
        ]

    assert {Status.UNAVAILABLE} == {one.code() for one in refused}
    assert {ErrorReason.LEDGER_UNAVAILABLE.name} == {details(one).error.reason for one in refused}


async def test_finer_than_is_kept(served: Served) -> None:
    """Of long ago there are no minutes: the step is refused, in words that say what there is."""
    query = costs(
        start_time={"seconds": int(time.time()) - 10 * 86_400},
        end_time={"seconds": int(time.time()) - 9 * 86_400},
        step={"seconds": 300},
    )
    refused = await failure_of(served.analytics.QueryCosts(query, **by("acme")))

    (violation,) = details(refused).bad.field_violations
    assert (Status.INVALID_ARGUMENT, "query.step") == (refused.code(), violation.field)
    assert "a multiple of an hour" in violation.description

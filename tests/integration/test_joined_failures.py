"""A call that several callers share fails over, or fails, once: for whoever began it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import routing_pb2

from service.domain.completion import Usage
from service.domain.errors import ProviderFailure
from service.domain.pricing import Price
from service.domain.provider import Defaults, Offer, ServedModel
from service.domain.reasons import ErrorReason
from service.pipeline.roster import Member, TimeLimits
from tests.integration.analytics_calls import CHEAP, DEAR, analysed, by, costs, errors
from tests.kit.scripted import HELLO, ScriptedProvider
from tests.kit.serving import Served, details, streaming, unary

BROKEN = ProviderFailure(
    ErrorReason.PROVIDER_UNAVAILABLE, "broken", http_status=503, usage=Usage(3, 2)
)
COST = (3 * 1 + 2 * 5) + (3 * 7 + 2 * 20)
"""What both providers charge for 3 tokens and 2, in nano-USD."""
CALLERS = 4


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Served]:
    """Of `m` the second provider answers, of `bad` nobody; both charge for what they begin."""
    members = (
        _serves("first", 1, CHEAP, "m", (0.3, BROKEN)),
        _serves("second", 2, DEAR, "m", HELLO),
        _serves("one", 1, CHEAP, "bad", (0.3, BROKEN)),
        _serves("two", 2, DEAR, "bad", (BROKEN,)),
    )
    async with analysed(tmp_path, *members) as (served, _):
        yield served


def _serves(name: str, priority: int, price: Price, model: str, steps: tuple[Any, ...]) -> Member:
    offer = Offer(name, priority, (ServedModel(model, price=price),))
    times = TimeLimits(attempt_s=30.0, first_token_s=30.0, idle_s=30.0)
    return Member(ScriptedProvider(*steps), offer, times, Defaults(0.7, 4000))


async def together(served: Served, model: str) -> list[Any]:
    """A stream, and others that join it: its events or its failure, first that which asked."""

    async def stream() -> Any:
        call = served.completion.StreamComplete(streaming(model=model), **by("acme"))
        return [event async for event in call][-1].finished

    async def whole() -> Any:
        return await served.completion.Complete(unary(model=model), **by("acme"))

    asked = asyncio.create_task(stream())
    async with asyncio.timeout(5.0):
        while not served.pipeline.flights:
            await asyncio.sleep(0.002)
    joining = (stream() if number % 2 else whole() for number in range(CALLERS - 1))
    return await asyncio.gather(asked, *joining, return_exceptions=True)


async def analysis(served: Served) -> tuple[Any, Any]:
    failed = await served.analytics.QueryErrors(errors(), **by("acme"))
    spent = await served.analytics.QueryCosts(costs(), **by("acme"))
    return failed.total, spent.total


async def test_a_shared_failure_counts_once(served: Served) -> None:
    """All are told that they failed; that it was tried twice, and what that cost, counts once."""
    told = [details(error) for error in await together(served, "bad")]
    failed, spent = await analysis(served)

    assert {"PROVIDER_UNAVAILABLE"} == {one.error.reason for one in told}
    assert (CALLERS, 1, 0) == (failed.errors, failed.failovers, failed.recovered)
    assert len(told[0].failure.attempts) == failed.attempts == failed.failed_attempts
    assert COST <= spent.cost.total_nano_usd
    assert spent.cost.total_nano_usd == sum(one.failure.partial_cost.total_nano_usd for one in told)


async def test_what_a_shared_failure_cost_is_told_once(served: Served) -> None:
    """Whoever joined hears who was tried, that it was for another, and of no cost of its own."""
    told = [details(error).failure for error in await together(served, "bad")]
    asked, *joined = told

    assert ["one", "two"] == [attempt.target.provider for attempt in asked.attempts[:2]]
    assert (True, False) == (asked.HasField("partial_cost"), asked.HasField("cache"))
    for one in joined:
        assert list(asked.attempts) == list(one.attempts)
        assert (False, False) == (one.HasField("partial_cost"), one.HasField("partial_usage"))
        assert routing_pb2.CacheInfo.STATUS_COALESCED == one.cache.status


async def test_a_shared_recovery_counts_once(served: Served) -> None:
    """Where the second provider answers, those who joined have recovered from nothing."""
    answers = await together(served, "m")
    failed, _ = await analysis(served)
    used = await served.analytics.QueryUsage(pb.QueryUsageRequest(), **by("acme"))

    assert (0, 1, 1) == (failed.errors, failed.failovers, failed.recovered)
    assert CALLERS - 1 == used.total.cache.coalesced
    assert COST == sum(answer.cost.total_nano_usd for answer in answers)


async def test_the_log_tells_attempts_once(served: Served) -> None:
    """Of those who share a failure one line names attempts: the lines add up to what was made."""
    await together(served, "bad")

    lines = [line for line in served.lines if line["code"] == "UNAVAILABLE"]
    assert CALLERS == len(lines)
    assert 1 == sum(bool(line.get("attempts")) for line in lines)

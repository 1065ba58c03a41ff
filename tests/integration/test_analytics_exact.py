"""The whole service before providers that misbehave: sums of the ledger are sums of the answers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import analytics_service_pb2_grpc

from tests.integration.analytics_calls import by, costs, errors
from tests.kit.serving import details, streaming, unary
from tests.kit.stack import Stack, running

KEYS = [
    {"tenant": "acme", "caller": "a", "key": "acme"},
    {"tenant": "globex", "caller": "g", "key": "globex"},
    {"tenant": "ops", "caller": "o", "key": "ops", "permissions": ["analytics_all"]},
]
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "deepseek-chat")
FAULTS = ("", "status=503", "", "cut-event=3", "missing=usage", "", "usage=rich", "status=400")


def settings(folder: Path) -> dict[str, str]:
    return {
        "AI_PROVIDER__ANALYTICS__STORE": "sqlite",
        "AI_PROVIDER__ANALYTICS__FILE": str(folder / "ledger.sqlite"),
        "AI_PROVIDER__ANALYTICS__LABELS": '["team"]',
        "AI_PROVIDER__AUTH__KEYS": json.dumps(KEYS),
        "AI_PROVIDER__CACHE__ENABLED": "true",
        "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "2",
        "AI_PROVIDER__ROUTING__FALLBACKS": '{"gpt-4o": ["claude-sonnet-4-5"]}',
    }


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    async with running(tmp_path, **settings(tmp_path)) as stack:
        yield stack


class Heard:
    """What callers were told, summed up as a caller would."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.nano_usd: Counter[str] = Counter()
        self.saved: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    async def ask(self, stack: Stack, tenant: str, model: str, text: str, *, stream: bool) -> None:
        self.requests[tenant] += 1
        labels = {"team": f"team-{len(text) % 3}"}
        try:
            if stream:
                call = stack.completion.StreamComplete(
                    streaming(text, model, labels=labels), **by(tenant)
                )
                told: Any = [event async for event in call][-1].finished
            else:
                told = await stack.completion.Complete(
                    unary(text, model, labels=labels), **by(tenant)
                )
        except grpc.aio.AioRpcError as error:
            found = details(error)
            self.reasons[found.error.reason] += 1
            self.nano_usd[tenant] += found.failure.partial_cost.total_nano_usd
            return
        self.nano_usd[tenant] += told.cost.total_nano_usd
        self.saved[tenant] += told.cost.saved_nano_usd


async def traffic(stack: Stack) -> Heard:
    heard = Heard()
    for number in range(70):
        model, fault = MODELS[number % len(MODELS)], FAULTS[number % len(FAULTS)]
        if fault:
            stack.adversary.script(fault, times=1)
        tenant = ("acme", "globex")[number % 3 == 0]
        await heard.ask(stack, tenant, model, f"Text {number % 20}", stream=number % 2 == 0)
    # Equal ones at once share one call.
    same = (heard.ask(stack, "acme", "gpt-4o", "At once", stream=False) for _ in range(5))
    await asyncio.gather(*same)
    return heard


async def test_sums_are_sums_of_the_answers(stack: Stack) -> None:
    """Requests, costs, savings and failures: what the ledger says is what callers were told."""
    heard = await traffic(stack)
    analytics: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(stack.channel)  # pyright: ignore[reportArgumentType]
    by_tenant = {"group_by": [pb.USAGE_DIMENSION_TENANT]}
    told = await analytics.QueryCosts(costs(**by_tenant), **by("ops"))
    failed = await analytics.QueryErrors(errors(), **by("ops"))

    found = {bucket.dimensions["tenant"]: bucket for bucket in told.buckets}
    assert heard.requests == {name: bucket.requests for name, bucket in found.items()}
    assert heard.nano_usd == {name: one.cost.total_nano_usd for name, one in found.items()}
    assert heard.saved == {name: one.cost.saved_nano_usd for name, one in found.items()}
    assert heard.reasons == {one.reason: one.count for one in failed.total.reasons}
    assert 0 < told.total.estimated_nano_usd < told.total.cost.total_nano_usd
    assert told.total.unanswered_nano_usd > 0
    assert told.total.savings.duration.ToNanoseconds() > 0
    assert 0 == told.total.unpriced_attempts
    assert failed.total.recovered > 0


async def test_every_way_to_sum_says_the_same(stack: Stack) -> None:
    """However it is grouped or cut into steps, the parts make the total."""
    await traffic(stack)
    analytics: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(stack.channel)  # pyright: ignore[reportArgumentType]
    ways = [
        {"group_by": [dimension], "label_key": "team" if dimension == 6 else ""}
        for dimension in range(1, 8)
    ]
    ways += [{"step": {"seconds": 60}}, {"group_by": [1, 2], "limit": 2}]
    answers = [await analytics.QueryCosts(costs(**way), **by("ops")) for way in ways]

    assert 1 == len({answer.total.cost.total_nano_usd for answer in answers})
    for answer in answers:
        parts = answer.buckets
        assert answer.total.cost.total_nano_usd == sum(p.cost.total_nano_usd for p in parts)
        assert answer.total.requests == sum(part.requests for part in parts)
        assert answer.total.attempts == sum(part.attempts for part in parts)
        assert answer.total.savings.cache_nano_usd == sum(p.savings.cache_nano_usd for p in parts)

"""Users of a Redis who may do what the documentation says that they need, and no more."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiprovider.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    analytics_service_pb2,
    analytics_service_pb2_grpc,
    routing_pb2,
)

from service.adversary import Adversary
from tests.kit.redis import RedisServer, redis_server
from tests.kit.serving import streaming, unary
from tests.kit.stack import Stack, running

Info = routing_pb2.CacheInfo
MODEL = "gpt-4o"
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        server.order("ACL", "SETUSER", "cache", "on", ">pw", *rights_of_the_cache())
        server.order("ACL", "SETUSER", "ledger", "on", ">pw", *rights_of_the_ledger())
        yield server


@pytest.fixture(name="services")
async def _services(tmp_path: Path, redis: RedisServer) -> AsyncGenerator[list[Stack], None]:
    variables = {
        "REDIS_URL": f"redis://cache:pw@{redis.address}/0",
        "AI_PROVIDER__CACHE__ENABLED": "true",
        "AI_PROVIDER__CACHE__REDIS_WAIT_S": "0.5",
        "AI_PROVIDER__ANALYTICS__STORE": "redis",
        "AI_PROVIDER__ANALYTICS__REDIS_URL": f"redis://ledger:pw@{redis.address}/0",
        "AI_PROVIDER__AUTH__ANONYMOUS_PERMISSIONS": "cache_admin",
    }
    async with AsyncExitStack() as stack:
        adversary = await stack.enter_async_context(Adversary())
        yield [
            await stack.enter_async_context(running(tmp_path, adversary=adversary, **variables))
            for _ in range(2)
        ]


def rights_of_the_cache() -> list[str]:
    text = (DOCS / "caching.md").read_text()
    (found,) = re.findall(r"an ACL user needs\s+`(~\S+)` and the commands ([A-Z, ]+), and", text)
    keys, commands = found
    return [keys, *(f"+{one.lower()}" for one in commands.split(", "))]


def rights_of_the_ledger() -> list[str]:
    text = (DOCS / "operations.md").read_text()
    (line,) = re.findall(r"In Redis every key begins with .*", text)
    prefix, *commands = re.findall(r"`([^`]+)`", line)
    return [f"~{prefix}*", *(f"+{one.lower()}" for one in commands)]


async def test_what_the_documentation_allows_is_enough(
    redis: RedisServer, services: list[Stack]
) -> None:
    """Answers, calls in flight, invalidation, the shared view and the ledger need no more."""
    one, two = services
    models = [f"{MODEL}+tokens={count}" for count in range(2, 10)]
    slow = f"{MODEL}+latency=300ms"

    await asyncio.gather(*(one.completion.Complete(unary(model=model)) for model in models))
    shared = one.app.caching.shared
    assert shared is not None
    await shared.settled()
    hits = await asyncio.gather(*(two.completion.Complete(unary(model=m)) for m in models))
    await asyncio.gather(*(some.completion.Complete(unary(model=slow)) for some in services))
    for some in services:
        await some.completion.Complete(unary(model=MODEL, idempotency_key="k"))
        _ = [event async for event in some.completion.StreamComplete(streaming(model=MODEL))]
    admin: Any = admin_service_pb2_grpc.AdminServiceStub(one.channel)  # pyright: ignore[reportArgumentType]
    await admin.InvalidateCache(admin_service_pb2.InvalidateCacheRequest(everything=True))
    analytics: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(two.channel)  # pyright: ignore[reportArgumentType]
    query = analytics_service_pb2.QueryPerformanceRequest(
        query={"group_by": [analytics_service_pb2.USAGE_DIMENSION_MODEL]}
    )
    told = await analytics.QueryPerformance(query)

    assert {Info.STATUS_HIT_SHARED} == {hit.cache.status for hit in hits}
    assert told.total.requests >= len(models)
    assert b"*0\r\n" == redis.ask("ACL", "LOG")

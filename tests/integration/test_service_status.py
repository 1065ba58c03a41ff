"""What the standard health protocol makes of an outage of providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from aiprovider.v1 import health_service_pb2 as pb
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.integration.health_calls import (
    BACKED,
    NOT_SERVING,
    SERVING,
    UNAFFECTED,
    ask,
    check,
    loaded,
    standard,
    told,
)
from tests.kit.stack import MODELS, Stack, running


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    async with running(tmp_path) as stack:
        yield stack


async def test_one_outage_flips_nothing(stack: Stack) -> None:
    """While others can serve, no status of the standard protocol changes."""
    stack.adversary.script("status=503", family="openai")
    await ask(stack, "openai", 5)
    response = await check(stack, providers=["openai"])
    statuses = await standard(stack, *UNAFFECTED, *BACKED)

    assert ("openai", "UNHEALTHY", "OPEN") == told(response.providers[0])
    assert [SERVING] * len(statuses) == statuses


async def test_an_outage_of_all(stack: Stack, tmp_path: Path) -> None:
    """With every circuit open the services that ask providers do not serve, and the pod stays."""
    stub: Any = health_pb2_grpc.HealthStub(stack.channel)  # pyright: ignore[reportArgumentType]
    watching = stub.Watch(health_pb2.HealthCheckRequest(service=BACKED[0]))
    seen = [(await watching.read()).status]
    stack.adversary.script("status=503")
    for name in MODELS:
        await ask(stack, name, 5)
    seen.append((await asyncio.wait_for(watching.read(), 1)).status)
    out, stays = await standard(stack, *BACKED), await standard(stack, *UNAFFECTED)
    await stack.app.reload(
        loaded(stack, tmp_path, AI_PROVIDER__PROVIDERS__OPENAI__DEPLOYMENTS__B__API_KEY="k2")
    )
    seen.append((await asyncio.wait_for(watching.read(), 1)).status)
    watching.cancel()

    assert [SERVING, NOT_SERVING, SERVING] == seen
    assert [NOT_SERVING] * 2 == out
    assert [SERVING] * len(UNAFFECTED) == stays


async def test_without_any_provider(tmp_path: Path) -> None:
    """With nobody to ask the pod is ready, and the services that ask providers do not serve."""
    nobody = {f"{name.upper()}_{what}": "" for name in MODELS for what in ("API_KEY", "BASE_URL")}
    async with running(tmp_path, **nobody) as stack:
        response = await check(stack)
        out, stays = await standard(stack, *BACKED), await standard(stack, *UNAFFECTED)

    assert pb.PROVIDER_STATUS_DISABLED == response.overall
    assert [NOT_SERVING] * 2 == out
    assert [SERVING] * len(UNAFFECTED) == stays

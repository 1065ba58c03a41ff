"""What a caller of WatchProviders sees, and what a reload does under one who asks or watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import grpc.aio
import pytest

from service.server import Listen
from tests.integration.health_calls import (
    DOWN,
    check,
    end_of,
    loaded,
    next_of,
    told,
    watch,
)
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Status, details, serving, unary
from tests.kit.stack import MODELS, Stack, running


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    async with running(tmp_path) as stack:
        yield stack


async def test_watching_a_flapping_provider() -> None:
    """A watcher sees a circuit open, half-open and closed; each once, and in this order."""
    late_s = 0.0
    provider = ScriptedProvider(scripts=[*([[DOWN]] * 5), [0.1, *HELLO]])
    async with serving(
        member(provider), attempts_max=1, clock=lambda: time.monotonic() + late_s
    ) as served:
        watching = watch(served)
        seen = [await next_of(watching), await next_of(watching)]
        for _ in range(5):
            with pytest.raises(grpc.aio.AioRpcError):
                await served.completion.Complete(unary())
        seen.append(await next_of(watching))
        late_s = 7.0
        await served.completion.Complete(unary())
        seen += [await next_of(watching), await next_of(watching)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watching.read(), 1.2)
        watching.cancel()

    assert [
        ("one", "UNKNOWN", "CLOSED"),
        ("one", "HEALTHY", "CLOSED"),
        ("one", "UNHEALTHY", "OPEN"),
        ("one", "DEGRADED", "HALF_OPEN"),
        ("one", "DEGRADED", "CLOSED"),
    ] == seen


async def test_watching_ends_with_a_drain() -> None:
    """A drain ends all watching, so that it waits for none, and sends watchers elsewhere."""
    listen = Listen("127.0.0.1", 0, settle_s=0.05, grace_s=5.0)
    async with serving(member(ScriptedProvider()), listen=listen) as served:
        watching = watch(served)
        await next_of(watching)
        await next_of(watching)
        started = time.monotonic()
        await served.server.drain()
        took_s = time.monotonic() - started
        failure = await end_of(watching)

    assert took_s < 2.0
    assert Status.UNAVAILABLE == failure.code()
    assert "SERVER_DRAINING" == details(failure).error.reason


async def test_the_whole_service_drains_under_a_watcher(stack: Stack) -> None:
    """The service as it is composed waits for no watcher either."""
    watching = watch(stack)
    await next_of(watching)
    started = time.monotonic()
    await stack.app.drain()
    took_s = time.monotonic() - started

    assert took_s < 2.0
    assert Status.UNAVAILABLE == (await end_of(watching)).code()


async def test_a_watcher_who_leaves() -> None:
    """While somebody watches, old checks are made again; once he has gone, nobody is asked."""
    late_s = 0.0
    provider = ScriptedProvider()
    async with serving(member(provider), clock=lambda: time.monotonic() + late_s) as served:
        watching = watch(served)
        await next_of(watching)
        late_s = 60.0
        await asyncio.sleep(1.2)
        watched_count = provider.check_count
        watching.cancel()
        await asyncio.sleep(0.1)
        late_s = 120.0
        await asyncio.sleep(1.2)

    assert (2, 2) == (watched_count, provider.check_count)
    assert ["CANCELLED"] == [line["code"] for line in served.lines]


async def test_reload(stack: Stack, tmp_path: Path) -> None:
    """A reload is seen at once, by those who ask and by those who watch; nothing is repeated."""
    await check(stack)
    watching = watch(stack, "anthropic")
    before = await next_of(watching)
    await stack.app.reload(loaded(stack, tmp_path, ANTHROPIC_API_KEY="", ANTHROPIC_BASE_URL=""))
    seen = await next_of(watching)
    response = await check(stack)
    watching.cancel()

    assert ("anthropic", "HEALTHY", "CLOSED") == before
    assert ("anthropic", "DISABLED", "UNSPECIFIED") == seen
    assert "DISABLED" == told(response.providers[1])[1]
    assert not response.from_cache


async def test_reload_under_a_check(stack: Stack, tmp_path: Path) -> None:
    """A check that a reload comes upon ends as it began; then its provider is closed."""
    stack.adversary.script("latency=300ms")
    asked = asyncio.ensure_future(check(stack))
    await asyncio.sleep(0.1)
    await stack.app.reload(
        loaded(stack, tmp_path, **{f"{n.upper()}_API_KEY": "k2" for n in MODELS})
    )
    response = await asked

    assert ["HEALTHY"] * 4 == [told(health)[1] for health in response.providers]
    assert 0 == stack.adversary.hangup_count

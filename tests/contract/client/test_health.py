"""The health of the service and of its providers, as the client tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiprovider_client.health as health_calls
import pytest
import pytest_asyncio
from aiprovider.v1 import health_service_pb2 as pb
from aiprovider_client import Client, NotImplementedByServiceError

from tests.contract.client.prepared import MIXED, OUT, WELL, Server
from tests.kit.scripted import ScriptedProvider, member
from tests.kit.serving import serving
from tests.kit.stack import MODELS, Stack


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncGenerator[Client, None]:
    async with Client(f"127.0.0.1:{server.port}", api_key="k-1", timeout_s=5) as client:
        yield client


async def test_providers(client: Client, server: Server) -> None:
    """The wishes reach the service with the caller's key, and its answer is handed on whole."""
    checked = await client.providers("openai", models=True, refresh=True)

    expected = pb.CheckProvidersRequest(
        providers=["openai"], include_models=True, force_refresh=True
    )
    assert [expected] == server.prepared.requests
    assert "Bearer k-1" == server.prepared.metadata["authorization"]
    assert checked == MIXED


async def test_watching(client: Client, server: Server) -> None:
    """States come as the service tells them, without a deadline; leaving ends the call."""
    watch = client.watch_providers(["openai", "google"])
    for change in (WELL, OUT):
        server.prepared.changes.put_nowait(change)

    assert WELL == await anext(watch)
    assert OUT == await anext(watch)
    assert server.prepared.watch_left_s is None
    assert [pb.WatchProvidersRequest(providers=["openai", "google"])] == server.prepared.requests
    await watch.aclose()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator
    await asyncio.wait_for(server.prepared.left.wait(), 2)


async def test_watching_on(client: Client, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that the service ends goes on with a new call, and repeats no state."""
    monkeypatch.setattr(health_calls, "_WATCH_PAUSE_S", 0.01)
    worse = pb.ProviderHealth(provider="openai", status=pb.PROVIDER_STATUS_DEGRADED)
    for change in (WELL, OUT, None, WELL, OUT, worse):
        server.prepared.changes.put_nowait(change)
    watch = client.watch_providers()

    assert [WELL, OUT, worse] == [await anext(watch) for _ in range(3)]
    assert 2 == len(server.prepared.requests)
    await watch.aclose()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator


async def test_a_service_that_does_not_tell(mute: Server) -> None:
    """A service without HealthService is told apart from one that is broken."""
    async with Client(f"127.0.0.1:{mute.port}", timeout_s=5) as client:
        with pytest.raises(NotImplementedByServiceError):
            await client.providers()
        with pytest.raises(NotImplementedByServiceError):
            await anext(client.watch_providers())


async def test_the_real_service(stack: Stack) -> None:
    """The service tells of its providers, in configured order, and then watches them."""
    async with Client(f"127.0.0.1:{stack.app.server.port}", timeout_s=5) as client:
        checked = await client.providers()
        watch = client.watch_providers("openai")
        first = await anext(watch)
        await watch.aclose()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator

    assert list(MODELS) == [one.provider for one in checked.providers]
    assert "openai" == first.provider


async def test_a_replica_that_drains() -> None:
    """That a replica is not serving is told by itself, not hidden by the client's own caution."""
    async with (
        serving(member(ScriptedProvider())) as served,
        Client(f"127.0.0.1:{served.server.port}", timeout_s=5) as client,
    ):
        before = await client.health()
        served.server.health.set_ready(ready=False)
        after = await client.health()

    assert ("SERVING", "NOT_SERVING") == (before, after)

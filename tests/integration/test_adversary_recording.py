"""What the adversary tells of the requests that reached it, and of the clients that hung up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from tests.kit import asking
from tests.kit.wire import Client, talking, wire


@pytest.fixture
async def client() -> AsyncGenerator[Client, None]:
    async with talking() as client:
        yield client


async def test_recording(client: Client) -> None:
    """A request is recorded as it came, with its times, its connection and the bytes sent."""
    _, body = await client.ask("anthropic", "+tokens=3", said="latency=5ms")
    await client.ask("gemini", stream=True)
    first, second = client.adversary.requests

    assert ("anthropic", "POST", "/anthropic/v1/messages") == (
        first.family,
        first.method,
        first.path,
    )
    assert asking.body("anthropic", "+tokens=3") == first.json
    assert ("k", "latency=5ms") == (first.headers["x-api-key"], first.headers["x-adversary"])
    assert len(body) == first.sent_bytes
    assert first.finished_at is not None
    assert 0.005 <= first.finished_at - first.received_at
    assert first.hung_up_at is None
    assert second.path.endswith(":streamGenerateContent")
    assert first.connection == second.connection, "the connection is kept"


async def test_a_request_in_pieces(client: Client) -> None:
    """A body may come in chunks, and in its own time."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        whole = json.dumps(asking.body("gemini")).encode()
        yield whole[:9]
        await asyncio.sleep(0.005)
        yield whole[9:]

    url = client.adversary.url("gemini") + asking.path("gemini")
    async with client.session.post(url, data=pieces(), headers=asking.KEYS["gemini"]) as response:
        assert 200 == response.status

    assert asking.body("gemini") == client.adversary.requests[0].json


@pytest.mark.parametrize(
    "directives",
    ["hang=headers", "hang=body", "stall-after=2", "latency=9", "drip=1", "rate=1", "line-bomb"],
)
async def test_a_hangup(client: Client, directives: str) -> None:
    """A client that hangs up is noticed at once, whatever the answer is doing."""
    async with wire(client.adversary, "openai", f"+{directives}", stream=True) as line:
        while not client.adversary.requests:
            await asyncio.sleep(0.001)
        await line.until("open", 0)
    left_at = asyncio.get_running_loop().time()
    await client.adversary.wait_hangups(1)
    (request,) = client.adversary.requests

    assert 1 == client.adversary.hangup_count
    assert request.finished_at is None
    assert request.hung_up_at is not None
    assert request.hung_up_at - left_at < 0.5
    assert 0 == client.adversary.open_connection_count


@pytest.mark.parametrize("directives", ["", "+cut=9", "+cut=9+cut-mode=rst", "+framing=close"])
async def test_no_hangup(client: Client, directives: str) -> None:
    """An answer that is over, or that the adversary itself cuts, is not hung up on."""
    async with wire(client.adversary, "openai", directives) as line:
        await line.until("open" if not directives else "closed", 9)
    while client.adversary.open_connection_count:
        await asyncio.sleep(0.001)
    (request,) = client.adversary.requests

    assert (0, None) == (client.adversary.hangup_count, request.hung_up_at)
    assert request.finished_at is not None


async def test_waiting_for_hangups(client: Client) -> None:
    """Waiting ends in TimeoutError if too few hang up; `clear` starts the count anew."""
    for _ in range(2):
        async with wire(client.adversary, "openai", "+hang=first-token") as line:
            await line.until("open", 0)
            while not line.head:
                await asyncio.sleep(0.001)
    await client.adversary.wait_hangups(2)

    client.adversary.clear()

    assert ((), 0) == (client.adversary.requests, client.adversary.hangup_count)
    with pytest.raises(TimeoutError):
        await client.adversary.wait_hangups(1, timeout_s=0.01)


async def test_without_records() -> None:
    """An adversary that keeps no requests still counts who hangs up."""
    async with talking(record=False) as client:
        await client.ask()
        async with wire(client.adversary, "openai", "+hang=first-token") as line:
            while not line.head:
                await asyncio.sleep(0.001)
        await client.adversary.wait_hangups(1)

        assert () == client.adversary.requests


async def test_repr(client: Client) -> None:
    """An adversary tells its port and its connections in one line."""
    await client.ask()

    assert f"<Adversary on port {client.adversary.port}, 1 connections>" == repr(client.adversary)

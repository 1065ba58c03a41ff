"""The service and a client of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from aiprovider_client import Client

from tests.contract.client.prepared import Server, listening
from tests.kit.stack import Stack, running


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    """One attempt for each request."""
    async with running(tmp_path) as stack:
        yield stack


@pytest_asyncio.fixture
async def patient(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    """Three attempts for each request."""
    async with running(tmp_path, AI_PROVIDER__LIMITS__ATTEMPTS_MAX="3") as stack:
        yield stack


@pytest_asyncio.fixture
async def client(stack: Stack) -> AsyncGenerator[Client, None]:
    async with Client(f"127.0.0.1:{stack.app.server.port}", timeout_s=5) as client:
        yield client


@pytest_asyncio.fixture
async def patient_client(patient: Stack) -> AsyncGenerator[Client, None]:
    async with Client(f"127.0.0.1:{patient.app.server.port}", timeout_s=5) as client:
        yield client


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[Server, None]:
    async with listening() as server:
        yield server


@pytest_asyncio.fixture
async def mute() -> AsyncGenerator[Server, None]:
    """An older service, which tells nothing of its providers."""
    async with listening(tells_of_providers=False) as server:
        yield server

"""An event loop that is blocked: it is told, and the process still says that it is alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest_asyncio
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.rpc.liveness import LivenessServer
from service.telemetry.watchdog import LoopWatchdog
from tests.kit.scripted import ScriptedProvider, member
from tests.kit.serving import serving

BLOCKED_S = 0.6
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest_asyncio.fixture
async def watchdog() -> AsyncGenerator[LoopWatchdog]:
    made = LoopWatchdog(interval_s=0.01, blocked_s=0.1, stalled_s=0.5)
    made.start()
    yield made
    made.close()


def asked(port: int, service: str, timeout_s: float = 5.0) -> Any:
    """The status that a port tells, or the code of its failure. Blocks: for other threads."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            return stub.Check(request, timeout=timeout_s).status
        except grpc.RpcError as error:
            failure: Any = error
            return failure.code()


async def test_it_is_told(watchdog: LoopWatchdog) -> None:
    """The log says where the loop stands while it stands there, and for how long it did."""
    with structlog.testing.capture_logs() as lines:
        await asyncio.sleep(0.05)
        time.sleep(BLOCKED_S)  # noqa: ASYNC251 - that is what it is about
        await asyncio.sleep(0.05)

    blocked, goes_on = lines
    assert "test_blocked_loop.py" in blocked["stack"]
    assert "time.sleep(BLOCKED_S)" in blocked["stack"]
    assert BLOCKED_S * 0.8 <= goes_on["blocked_s"] <= BLOCKED_S * 2
    assert watchdog.lag_max_s >= BLOCKED_S * 0.8
    assert watchdog.lag_s < BLOCKED_S * 0.8


async def test_alive_though_blocked(watchdog: LoopWatchdog) -> None:
    """While the loop is blocked its own port is silent, and the other one says that it lives."""
    liveness = LivenessServer("127.0.0.1", 0, lambda: watchdog.is_stalled)
    liveness.start()
    async with serving(member(ScriptedProvider())) as served:
        with ThreadPoolExecutor(2) as threads:
            await asyncio.sleep(0.05)
            alive = threads.submit(asked, liveness.port, "liveness")
            silent = threads.submit(asked, served.server.port, "liveness", 0.3)
            # Nobody else runs on this loop until both have their answers.
            statuses = alive.result(), silent.result()
    liveness.stop()

    assert (SERVING, grpc.StatusCode.DEADLINE_EXCEEDED) == statuses


async def test_blocked_for_too_long(watchdog: LoopWatchdog) -> None:
    """A loop that is blocked for longer than is sane makes the process not alive."""
    liveness = LivenessServer("127.0.0.1", 0, lambda: watchdog.is_stalled)
    liveness.start()
    with ThreadPoolExecutor(1) as threads:
        await asyncio.sleep(0.05)
        time.sleep(BLOCKED_S)  # noqa: ASYNC251 - that is what it is about
        late = threads.submit(asked, liveness.port, "").result()
        await asyncio.sleep(0.1)
        unknown = await asyncio.to_thread(asked, liveness.port, "readiness")
    liveness.stop()

    assert NOT_SERVING == late
    assert grpc.StatusCode.NOT_FOUND is unknown

"""What the tests of health ask, over a real server."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import grpc.aio
from aiprovider.v1 import health_service_pb2 as pb
from aiprovider.v1 import health_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.config import Loaded, load
from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Identity
from service.rpc.interceptors.identity import Directory
from service.server import SERVICES
from tests.kit.serving import Served, unary
from tests.kit.stack import MODELS, Stack, environment

KEY = "k-ey-0123456789"
CLOSED = Directory({hashlib.sha256(KEY.encode()).digest(): Identity("billing", "acme")})
DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "out of order", http_status=503)
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
BACKED = ("aiprovider.v1.CompletionService", "aiprovider.v1.ModelService")
UNAFFECTED = ["liveness", "readiness", "", *(name for name in SERVICES if name not in BACKED)]


async def check(of: Stack | Served, **wish: Any) -> pb.CheckProvidersResponse:
    stub: Any = health_service_pb2_grpc.HealthServiceStub(of.channel)  # pyright: ignore[reportArgumentType]
    return await stub.CheckProviders(pb.CheckProvidersRequest(**wish))


def watch(of: Stack | Served, *providers: str, **call: Any) -> Any:
    stub: Any = health_service_pb2_grpc.HealthServiceStub(of.channel)  # pyright: ignore[reportArgumentType]
    return stub.WatchProviders(pb.WatchProvidersRequest(providers=providers), **call)


def told(health: pb.ProviderHealth) -> tuple[str, str, str]:
    status = pb.ProviderStatus.Name(health.status).removeprefix("PROVIDER_STATUS_")
    circuit = pb.CircuitState.Name(health.circuit).removeprefix("CIRCUIT_STATE_")
    return health.provider, status, circuit


async def next_of(call: Any) -> tuple[str, str, str]:
    return told((await asyncio.wait_for(call.read(), 5)).provider)


async def end_of(call: Any) -> grpc.aio.AioRpcError:
    """How a watch fails, after whatever it still tells."""
    async with asyncio.timeout(5):
        try:
            while await call.read():
                pass
        except grpc.aio.AioRpcError as error:
            return error
    raise AssertionError("it did not fail")


async def standard(stack: Stack, *names: str) -> list[int]:
    stub: Any = health_pb2_grpc.HealthStub(stack.channel)  # pyright: ignore[reportArgumentType]
    asked = [stub.Check(health_pb2.HealthCheckRequest(service=name)) for name in names]
    return [answer.status for answer in await asyncio.gather(*asked)]


async def ask(stack: Stack, provider: str, count: int = 1) -> None:
    """Completions, whatever comes of them."""
    for _ in range(count):
        try:
            await stack.completion.Complete(unary(model=MODELS[provider]), timeout=5)
        except grpc.aio.AioRpcError:
            continue


def loaded(stack: Stack, folder: Path, **more: str) -> Loaded:
    """The configuration of `running`, with variables more or, where empty, fewer."""
    variables = {**environment(stack.adversary), **more}
    kept = {name: value for name, value in variables.items() if value}
    return load(kept, directory=folder, secrets_dir=folder / "no-secrets")

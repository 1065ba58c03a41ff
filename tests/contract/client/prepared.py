"""A service that answers for its providers with prepared messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from aiprovider.v1 import health_service_pb2 as pb
from aiprovider.v1 import health_service_pb2_grpc as pb_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

CHECKED_AT_S = 1_800_000_000
WELL = pb.ProviderHealth(
    provider="openai",
    status=pb.PROVIDER_STATUS_HEALTHY,
    circuit=pb.CIRCUIT_STATE_CLOSED,
    success_ratio=0.985,
    latency_p50={"nanos": 840_000_000},
    latency_p95={"seconds": 2, "nanos": 310_000_000},
    time_to_first_token_p50={"nanos": 210_000_000},
    window_requests=200,
    in_flight=3,
    concurrency_limit=12,
)
OUT = pb.ProviderHealth(
    provider="google",
    status=pb.PROVIDER_STATUS_UNHEALTHY,
    circuit=pb.CIRCUIT_STATE_OPEN,
    success_ratio=0.125,
    window_requests=16,
    last_error_reason="PROVIDER_TIMEOUT",
    last_error_time={"seconds": CHECKED_AT_S - 2},
    cooldown_until_time={"seconds": CHECKED_AT_S + 15},
)
UNKNOWN = pb.ProviderHealth(provider="local", status=pb.PROVIDER_STATUS_UNKNOWN)


def found(overall: Any, *providers: pb.ProviderHealth) -> pb.CheckProvidersResponse:
    return pb.CheckProvidersResponse(
        overall=overall,
        providers=providers,
        check_time={"seconds": CHECKED_AT_S},
        age={"seconds": 3},
    )


MIXED = found(pb.PROVIDER_STATUS_HEALTHY, WELL, OUT, UNKNOWN)


class Prepared(pb_grpc.HealthServiceServicer):
    """Answers with `response`, tells the changes that are put into `changes`; None ends a watch."""

    def __init__(self) -> None:
        self.response = MIXED
        self.changes: asyncio.Queue[pb.ProviderHealth | None] = asyncio.Queue()
        self.requests: list[Any] = []
        self.metadata: dict[str, Any] = {}
        self.left = asyncio.Event()
        self.watch_left_s: float | None = 0.0

    async def CheckProviders(  # noqa: N802
        self, request: pb.CheckProvidersRequest, context: Any
    ) -> pb.CheckProvidersResponse:
        self.requests.append(request)
        self.metadata = dict(context.invocation_metadata())
        return self.response

    async def WatchProviders(  # noqa: N802
        self,
        request: pb.WatchProvidersRequest,
        context: Any,
    ) -> AsyncIterator[pb.WatchProvidersResponse]:
        self.requests.append(request)
        self.watch_left_s = context.time_remaining()
        try:
            while (change := await self.changes.get()) is not None:
                yield pb.WatchProvidersResponse(provider=change)
        except asyncio.CancelledError:
            self.left.set()
            raise


@dataclass
class Server:
    port: int
    standard: Any
    prepared: Prepared = field(default_factory=Prepared)

    async def set_serving(self, *, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        told = status.SERVING if serving else status.NOT_SERVING
        for service in ("", "readiness"):
            await self.standard.set(service, told)


@asynccontextmanager
async def listening(*, tells_of_providers: bool = True) -> AsyncGenerator[Server, None]:
    server = grpc.aio.server()
    module: Any = health
    standard = module.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(standard, server)
    told = Server(server.add_insecure_port("127.0.0.1:0"), standard)
    if tells_of_providers:
        pb_grpc.add_HealthServiceServicer_to_server(told.prepared, server)
    await told.set_serving(serving=True)
    await server.start()
    try:
        yield told
    finally:
        await server.stop(None)

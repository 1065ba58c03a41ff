"""Starts, serves, drains, stops the gRPC server. Knows servicers, not what is behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio
import structlog
from aiprovider.v1 import (
    admin_service_pb2_grpc,
    analytics_service_pb2_grpc,
    completion_service_pb2_grpc,
    health_service_pb2_grpc,
    model_service_pb2_grpc,
)
from grpc_health.v1 import health_pb2_grpc

from service.rpc.credentials import TlsFiles, server_credentials
from service.rpc.interceptors.guard import Guard
from service.rpc.reflection import add_reflection
from service.rpc.standard_health import StandardHealth

SERVICES = (
    "aiprovider.v1.CompletionService",
    "aiprovider.v1.ModelService",
    "aiprovider.v1.HealthService",
    "aiprovider.v1.AnalyticsService",
    "aiprovider.v1.AdminService",
)
_STANDARD_HEALTH = "grpc.health.v1.Health"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listen:
    """Where and how to listen. Port 0 takes a free one. Times in seconds."""

    host: str
    port: int
    tls: TlsFiles | None = None
    reflection: bool = True
    message_bytes_max: int = 32 * 1024 * 1024
    keepalive_time_s: float = 30.0
    keepalive_timeout_s: float = 10.0
    ping_interval_min_s: float = 10.0
    connection_age_max_s: float = 300.0
    connection_age_grace_s: float = 600.0
    settle_s: float = 2.0
    """How long a draining replica still accepts, until its callers know."""
    grace_s: float = 30.0
    """How long calls in flight may take to finish after that."""


@dataclass(frozen=True, slots=True)
class Servicers:
    completion: completion_service_pb2_grpc.CompletionServiceServicer
    model: model_service_pb2_grpc.ModelServiceServicer
    health: health_service_pb2_grpc.HealthServiceServicer
    analytics: analytics_service_pb2_grpc.AnalyticsServiceServicer
    admin: admin_service_pb2_grpc.AdminServiceServicer


class Server:
    """`close_admission` is called when a drain stops accepting new work."""

    def __init__(
        self,
        listen: Listen,
        servicers: Servicers,
        guard: Guard,
        close_admission: Callable[[], None],
    ) -> None:
        self.port = 0
        self.health = StandardHealth(SERVICES)
        self._listen = listen
        self._close_admission = close_admission
        self._server = grpc.aio.server(interceptors=[guard], options=_options(listen))
        _add(self._server, servicers, self.health, reflection=listen.reflection)

    async def start(self) -> None:
        """Listens; `health.set_ready` comes when all is warm. Raises OSError if it cannot bind."""
        address = f"{self._listen.host}:{self._listen.port}"
        try:
            self.port = self._bind(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: is the port in use?") from error
        await self._server.start()

    async def drain(self) -> float:
        """Loses no call: not ready, wait until callers know, refuse, finish what is in flight.

        The seconds that are left then of those in which calls may finish.
        """
        self.health.set_ready(ready=False)
        _log.warning("draining", settle_s=self._listen.settle_s, grace_s=self._listen.grace_s)
        await asyncio.sleep(self._listen.settle_s)
        self._close_admission()
        now = asyncio.get_running_loop().time
        over_at = now() + self._listen.grace_s
        await self.stop(self._listen.grace_s)
        return max(0.0, over_at - now())

    async def stop(self, grace_s: float = 0.0) -> None:
        self.health.set_ready(ready=False)
        await self._server.stop(grace_s)

    def _bind(self, address: str) -> int:
        if self._listen.tls is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, server_credentials(self._listen.tls))


def _add(
    server: grpc.aio.Server, servicers: Servicers, health: StandardHealth, *, reflection: bool
) -> None:
    completion_service_pb2_grpc.add_CompletionServiceServicer_to_server(
        servicers.completion, server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicers.model, server)
    health_service_pb2_grpc.add_HealthServiceServicer_to_server(servicers.health, server)
    analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server(servicers.analytics, server)
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(servicers.admin, server)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if reflection:
        add_reflection(server, (*SERVICES, _STANDARD_HEALTH))


def _options(listen: Listen) -> Sequence[tuple[str, Any]]:
    def ms(seconds: float) -> int:
        return round(seconds * 1000)

    return (
        ("grpc.max_receive_message_length", listen.message_bytes_max),
        ("grpc.max_send_message_length", -1),
        ("grpc.keepalive_time_ms", ms(listen.keepalive_time_s)),
        ("grpc.keepalive_timeout_ms", ms(listen.keepalive_timeout_s)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", ms(listen.ping_interval_min_s)),
        ("grpc.max_connection_age_ms", ms(listen.connection_age_max_s)),
        ("grpc.max_connection_age_grace_ms", ms(listen.connection_age_grace_s)),
        # Two processes on one port by mistake would each get a part of the calls.
        ("grpc.so_reuseport", 0),
    )

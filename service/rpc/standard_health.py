"""The standard gRPC health protocol: Check, Watch, List.

`liveness` is answered SERVING whenever the event loop can answer at all. `readiness`, the server
as a whole (``""``) and every service follow start and drain. The services that ask providers are
besides NOT_SERVING while no provider can be asked; an outage changes nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc as pb_grpc

from service.rpc.call import Context

LIVENESS = "liveness"
READINESS = "readiness"
WHOLE_SERVER = ""
ASK_PROVIDERS = frozenset({"aiprovider.v1.CompletionService", "aiprovider.v1.ModelService"})

_Status = pb.HealthCheckResponse


class StandardHealth(pb_grpc.HealthServicer):
    """`services` are the full names of the services; all begin as NOT_SERVING."""

    def __init__(self, services: Iterable[str]) -> None:
        self._following = (READINESS, WHOLE_SERVER, *services)
        self._ready = False
        self._able = True
        # Replaced at every change, so that each watcher wakes exactly once for it.
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"<StandardHealth {'ready' if self._ready else 'not ready'}>"

    def set_ready(self, *, ready: bool) -> None:
        if ready != self._ready:
            self._ready = ready
            self._wake()

    def set_able(self, able: bool) -> None:
        """Whether any provider can be asked."""
        if able != self._able:
            self._able = able
            self._wake()

    async def Check(
        self, request: pb.HealthCheckRequest, context: Context
    ) -> pb.HealthCheckResponse:
        status = self._status(request.service)
        if status == _Status.SERVICE_UNKNOWN:
            known = ", ".join(name or '""' for name in self._names())
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"no service {request.service!r}; known: {known}"
            )
        return pb.HealthCheckResponse(status=status)

    async def Watch(self, request: pb.HealthCheckRequest, context: Context) -> None:
        """An unknown service is told as SERVICE_UNKNOWN and watched, as the protocol demands."""
        told: int | None = None
        while True:
            changed = self._changed
            status = self._status(request.service)
            if status != told:
                told = status
                await context.write(pb.HealthCheckResponse(status=status))
            await changed.wait()

    async def List(self, request: pb.HealthListRequest, context: Context) -> pb.HealthListResponse:
        statuses = {
            name: pb.HealthCheckResponse(status=self._status(name)) for name in self._names()
        }
        return pb.HealthListResponse(statuses=statuses)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _names(self) -> tuple[str, ...]:
        return (LIVENESS, *self._following)

    def _status(self, service: str) -> Any:
        if service == LIVENESS:
            return _Status.SERVING
        if service not in self._following:
            return _Status.SERVICE_UNKNOWN
        serving = self._ready and (self._able or service not in ASK_PROVIDERS)
        return _Status.SERVING if serving else _Status.NOT_SERVING

"""How the service does, by the standard protocol, and how its providers do, by the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Self

import grpc
from aiprovider.v1 import health_service_pb2, health_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aiprovider_client.connection import NOT_OPEN, Connection
from aiprovider_client.errors import from_rpc
from aiprovider_client.routing import Names, names_of

_WATCH_PAUSE_S = 1.0


class HealthCalls(Connection):
    _health: Any = NOT_OPEN
    _providers: Any = NOT_OPEN

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._health = health_pb2_grpc.HealthStub(self._health_channel)
        self._providers = health_service_pb2_grpc.HealthServiceStub(self._health_channel)
        return self

    async def health(self, service: str = "readiness", *, timeout_s: float = 5.0) -> str:
        """`SERVING` or `NOT_SERVING`, by the standard gRPC health protocol."""
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self._answered(self._health.Check(request, timeout=timeout_s))
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    async def watch_health(self, service: str = "readiness") -> AsyncIterator[str]:
        """The status now, and every change of it."""
        call = self._health.Watch(health_pb2.HealthCheckRequest(service=service))
        try:
            async for answer in call:
                yield health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error
        finally:
            call.cancel()

    async def providers(
        self,
        names: Names = (),
        *,
        models: bool = False,
        refresh: bool = False,
        timeout_s: float | None = None,
    ) -> health_service_pb2.CheckProvidersResponse:
        """How the providers do, all or those of `names`.

        `models` asks for one entry per model, `refresh` for asking the providers themselves now.
        """
        request = health_service_pb2.CheckProvidersRequest(
            providers=names_of(names), include_models=models, force_refresh=refresh
        )
        call = self._providers.CheckProviders(request, **self._options(timeout_s))
        return await self._answered(call)

    async def watch_providers(
        self, names: Names = ()
    ) -> AsyncIterator[health_service_pb2.ProviderHealth]:
        """How every provider does now, one after the other, and then every change.

        The service may end such a call when it has lasted long: then it is asked again.
        """
        told: dict[str, health_service_pb2.ProviderHealth] = {}
        while True:
            async with aclosing(self._watched_once(names)) as watched:
                async for health in watched:
                    if told.get(health.provider) != health:
                        told[health.provider] = health
                        yield health
            await asyncio.sleep(_WATCH_PAUSE_S)

    async def _watched_once(
        self, names: Names
    ) -> AsyncGenerator[health_service_pb2.ProviderHealth, None]:
        request = health_service_pb2.WatchProvidersRequest(providers=names_of(names))
        call = self._providers.WatchProviders(request, **{**self._options(), "timeout": None})
        try:
            async for answer in call:
                yield answer.provider
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error
        finally:
            call.cancel()

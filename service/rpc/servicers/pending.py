"""Services of the contract that this release does not fill yet: UNIMPLEMENTED, with the reason."""

from __future__ import annotations

from aiprovider.v1 import (
    analytics_service_pb2,
    analytics_service_pb2_grpc,
    health_service_pb2,
    health_service_pb2_grpc,
)

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Context


class HealthServicer(health_service_pb2_grpc.HealthServiceServicer):
    async def CheckProviders(
        self, request: health_service_pb2.CheckProvidersRequest, context: Context
    ) -> health_service_pb2.CheckProvidersResponse:
        raise _later("CheckProviders", "provider health comes with the scoring router")

    async def WatchProviders(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine, too
        self, request: health_service_pb2.WatchProvidersRequest, context: Context
    ) -> None:
        raise _later("WatchProviders", "provider health comes with the scoring router")


class AnalyticsServicer(analytics_service_pb2_grpc.AnalyticsServiceServicer):
    async def QueryUsage(
        self, request: analytics_service_pb2.QueryUsageRequest, context: Context
    ) -> analytics_service_pb2.QueryUsageResponse:
        raise _later("QueryUsage", "usage is not recorded yet")

    async def GetCacheStats(
        self, request: analytics_service_pb2.GetCacheStatsRequest, context: Context
    ) -> analytics_service_pb2.GetCacheStatsResponse:
        raise _later("GetCacheStats", "there is no answer cache yet")


def _later(method: str, why: str) -> ServiceFailure:
    return ServiceFailure(ErrorReason.NOT_IMPLEMENTED, f"{method} is not served yet: {why}")

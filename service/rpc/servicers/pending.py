"""Services of the contract that this release does not fill yet: UNIMPLEMENTED, with the reason."""

from __future__ import annotations

from aiprovider.v1 import analytics_service_pb2, analytics_service_pb2_grpc

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Context


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

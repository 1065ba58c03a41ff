"""AnalyticsService. A caller sees its own tenant, unless it has the permission for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import analytics_service_pb2_grpc as pb_grpc

from service.alerts.known import Known
from service.domain.cache_stats import CacheReport
from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.permission import Permission
from service.domain.reasons import ErrorReason
from service.domain.rollup import Rank
from service.health.monitor import Monitor
from service.ports import Ledger, LedgerTooMuch, LedgerUnavailable
from service.rpc import analytics_answers as answers
from service.rpc import analytics_needs as needs
from service.rpc import encode_analytics as encode
from service.rpc.analytics_answers import Told
from service.rpc.analytics_needs import Needs
from service.rpc.call import Context, current, require
from service.rpc.decode.alerts import alert_wish
from service.rpc.decode.analytics import Asker, Query, asked
from service.rpc.decode.watching import watching
from service.rpc.encode_alerts import add_firing, alert_list
from service.rpc.encode_cache import cache_stats
from service.rpc.overview import overview, wanted
from service.rpc.provider_health import provider_health
from service.telemetry.live import Live

_RETRY_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class AnalyticsSources:
    """What is asked. `in_flight` counts requests; `cache_report` takes a tenant, None for all."""

    ledger: Ledger
    live: Live
    monitor: Monitor
    in_flight: Callable[[], int]
    cache_report: Callable[[str | None], CacheReport]
    alerts: Callable[[], Known]


class AnalyticsServicer(pb_grpc.AnalyticsServiceServicer):
    """`wall` gives seconds since the epoch."""

    def __init__(self, sources: AnalyticsSources, wall: Callable[[], float] = time.time) -> None:
        self._sources = sources
        self._wall = wall
        self._drained = asyncio.Event()

    def drain(self) -> None:
        """Ends all watching."""
        self._drained.set()

    async def QueryUsage(
        self, request: pb.QueryUsageRequest, context: Context
    ) -> pb.QueryUsageResponse:
        told = await self._told(request, Rank.REQUESTS, needs.USAGE, "")
        return await asyncio.to_thread(answers.usage, told)

    async def QueryPerformance(
        self, request: pb.QueryPerformanceRequest, context: Context
    ) -> pb.QueryPerformanceResponse:
        told = await self._told(request.query, Rank.REQUESTS, needs.PERFORMANCE)
        return await asyncio.to_thread(answers.performance, told)

    async def QueryCosts(
        self, request: pb.QueryCostsRequest, context: Context
    ) -> pb.QueryCostsResponse:
        told = await self._told(request.query, Rank.COST, needs.COSTS)
        return await asyncio.to_thread(answers.costs, told)

    async def QueryErrors(
        self, request: pb.QueryErrorsRequest, context: Context
    ) -> pb.QueryErrorsResponse:
        told = await self._told(request.query, Rank.ERRORS, needs.ERRORS)
        return await asyncio.to_thread(answers.errors, told)

    async def GetOverview(
        self, request: pb.GetOverviewRequest, context: Context
    ) -> pb.GetOverviewResponse:
        asker = self._asker()
        query = wanted(request, asker)
        try:
            told = await overview(self._sources.ledger, query, asker.now)
        except (LedgerUnavailable, LedgerTooMuch) as error:
            _refuse(error, "start_time")
        monitor = self._sources.monitor
        epoch = self._wall() - monitor.clock()
        told.health.extend(provider_health(health, epoch) for health in monitor.healths())
        add_firing(told, self._sources.alerts(), asker.scope)
        return told

    async def WatchMetrics(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine, too
        self, request: pb.WatchMetricsRequest, context: Context
    ) -> None:
        wish = watching(request)
        scope = self._asker().scope
        try:
            async with asyncio.timeout_at(current().deadline):
                while not self._drained.is_set():
                    await context.write(self._live(wish.window_s, scope))
                    await self._pause(wish.interval_s)
        except TimeoutError:
            # Watching is over, as agreed: that is no failure.
            return
        raise ServiceFailure(
            ErrorReason.SERVER_DRAINING, "this replica is shutting down: watch another"
        )

    async def GetCacheStats(
        self, request: pb.GetCacheStatsRequest, context: Context
    ) -> pb.GetCacheStatsResponse:
        if request.all_tenants:
            require(Permission.CACHE_ADMIN)
        tenant = None if request.all_tenants else current().identity.tenant
        return cache_stats(self._sources.cache_report(tenant))

    async def ListAlerts(
        self, request: pb.ListAlertsRequest, context: Context
    ) -> pb.ListAlertsResponse:
        wish = alert_wish(request)
        return alert_list(self._sources.alerts(), wish, self._asker().scope)

    async def _told(self, query: Query, rank: Rank, need: Needs, path: str = "query.") -> Told:
        asker = self._asker()
        found = asked(query, asker, rank, path)
        try:
            answer = await self._sources.ledger.query(replace(found.query, kinds=need))
        except (LedgerUnavailable, LedgerTooMuch) as error:
            _refuse(error, f"{path}step" if query.HasField("step") else f"{path}group_by")
        return Told(found, answer, asker.now)

    def _asker(self) -> Asker:
        call = current()
        identity = call.identity
        sees_all = Permission.ANALYTICS_ALL in identity.permissions
        kept = self._sources.ledger.labels
        return Asker(call.record.method, identity.tenant, sees_all, kept, self._wall())

    def _live(self, window_s: int, scope: str | None) -> pb.WatchMetricsResponse:
        sources = self._sources
        window = sources.live.window(self._wall(), window_s, scope)
        return encode.live_metrics(window, sources.in_flight(), sources.monitor.healths())

    async def _pause(self, interval_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await self._drained.wait()


def _refuse(error: LedgerUnavailable | LedgerTooMuch, field: str) -> NoReturn:
    if isinstance(error, LedgerUnavailable):
        raise ServiceFailure(
            ErrorReason.LEDGER_UNAVAILABLE, str(error), retry_after_s=_RETRY_AFTER_S
        ) from error
    raise ServiceFailure(
        ErrorReason.INVALID_REQUEST,
        f"{field}: {error}",
        violations=(FieldViolation(field, str(error)),),
    ) from error

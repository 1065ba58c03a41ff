"""What was used, what it cost, how it went; and what a replica does now."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any

import grpc
from aiprovider.v1 import analytics_service_pb2 as pb

from aiprovider_client.alerts import AlertState, Severity, alerts_request
from aiprovider_client.durations import duration_of
from aiprovider_client.errors import from_rpc
from aiprovider_client.inquiry import Inquiry
from aiprovider_client.operations import OperatorCalls

_PAGE_SIZE = 10_000
_INTERVAL_MAX_S = 60.0
_EVERYTHING = Inquiry()


class AnalyticsCalls(OperatorCalls):
    """Every answer to an Inquiry holds the buckets of all pages.

    A caller sees its own tenant; all of them with the permission `analytics_all`. Another tenant
    without it raises PermissionDeniedError, and what cannot be asked InvalidRequestError.
    """

    async def usage(
        self, inquiry: Inquiry = _EVERYTHING, *, timeout_s: float | None = None
    ) -> pb.QueryUsageResponse:
        """Requests, tokens, cost and latency."""
        query = inquiry.message()
        request = pb.QueryUsageRequest(
            step=query.step if query.HasField("step") else None,
            start_time=query.start_time if query.HasField("start_time") else None,
            end_time=query.end_time if query.HasField("end_time") else None,
            group_by=query.group_by,
            filters=query.filters,
            label_key=query.label_key,
            order_by=query.order_by,
            limit=query.limit,
        )
        return await self._pages(self._analytics.QueryUsage, request, request, timeout_s)

    async def performance(
        self, inquiry: Inquiry = _EVERYTHING, *, timeout_s: float | None = None
    ) -> pb.QueryPerformanceResponse:
        """How long requests took, and where the time went."""
        request = pb.QueryPerformanceRequest(query=inquiry.message())
        return await self._pages(
            self._analytics.QueryPerformance, request, request.query, timeout_s
        )

    async def costs(
        self, inquiry: Inquiry = _EVERYTHING, *, timeout_s: float | None = None
    ) -> pb.QueryCostsResponse:
        """What requests cost, in whole nano-USD, and what was saved."""
        request = pb.QueryCostsRequest(query=inquiry.message())
        return await self._pages(self._analytics.QueryCosts, request, request.query, timeout_s)

    async def errors(
        self, inquiry: Inquiry = _EVERYTHING, *, timeout_s: float | None = None
    ) -> pb.QueryErrorsResponse:
        """What failed, who can help it, and what failover made good."""
        request = pb.QueryErrorsRequest(query=inquiry.message())
        return await self._pages(self._analytics.QueryErrors, request, request.query, timeout_s)

    async def overview(
        self,
        inquiry: Inquiry = _EVERYTHING,
        *,
        points: int = 0,
        timeout_s: float | None = None,
    ) -> pb.GetOverviewResponse:
        """What a dashboard shows. Of the inquiry, its time, filters and top count."""
        query = inquiry.message()
        request = pb.GetOverviewRequest(
            start_time=query.start_time if query.HasField("start_time") else None,
            end_time=query.end_time if query.HasField("end_time") else None,
            filters=query.filters,
            top=query.limit,
            points=points,
        )
        return await self._answered(
            self._analytics.GetOverview(request, **self._options(timeout_s))
        )

    async def alerts(
        self,
        states: Iterable[AlertState] = (),
        severities: Iterable[Severity] = (),
        *,
        limit: int = 0,
        timeout_s: float | None = None,
    ) -> pb.ListAlertsResponse:
        """What fires, is pending and is over on the replica that answers; all, or those that are
        named. At most `limit`; 0 leaves it to the service.
        """
        request = alerts_request(states, severities, limit)
        return await self._answered(self._analytics.ListAlerts(request, **self._options(timeout_s)))

    async def watch_metrics(
        self, *, interval_s: float = 2.0, window_s: float = 10.0
    ) -> AsyncGenerator[pb.WatchMetricsResponse, None]:
        """What the replica that answers does, every `interval_s`, over the last `window_s`.

        Ends when the caller leaves; raises OverloadedError when the replica shuts down.
        """
        request = pb.WatchMetricsRequest()
        request.interval.FromTimedelta(duration_of("interval_s", interval_s, _INTERVAL_MAX_S))
        request.window.FromTimedelta(duration_of("window_s", window_s, _INTERVAL_MAX_S))
        call = self._analytics.WatchMetrics(request, **{**self._options(), "timeout": None})
        try:
            async for told in call:
                yield told
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error
        finally:
            call.cancel()

    async def _pages(
        self,
        ask: Any,
        request: Any,
        query: pb.AnalyticsQuery | pb.QueryUsageRequest,
        timeout_s: float | None,
    ) -> Any:
        """`query` is the part of `request` that holds the page token."""
        query.page_size = _PAGE_SIZE
        whole: Any = None
        while True:
            page = await self._answered(ask(request, **self._options(timeout_s)))
            if whole is None:
                whole = page
            else:
                whole.buckets.extend(page.buckets)
            query.page_token = page.next_page_token
            if not query.page_token:
                whole.next_page_token = ""
                return whole

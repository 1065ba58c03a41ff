"""What a dashboard shows, from several questions to the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain import analysis
from service.domain.rollup import OTHER, Axis, Dimension, LedgerAnswer, LedgerQuery, Rank
from service.ports import Ledger
from service.rpc import analytics_needs as needs
from service.rpc import encode_analytics as encode
from service.rpc.analytics_answers import whole_cell
from service.rpc.decode.analytics import Asker, filters, name_of, span
from service.rpc.decode.check import Check
from service.rpc.values import duration, timestamp

_TOP = 5
_TOP_MAX = 100
_POINTS = 24
_POINTS_MAX = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """`query` is about everything in the time."""

    query: LedgerQuery
    top: int
    step_s: int


def wanted(request: pb.GetOverviewRequest, asker: Asker) -> Wanted:
    """Raises ServiceFailure."""
    check = Check()
    start, end = span(request, asker.now, check)
    check.within("top", request.top, 0, _TOP_MAX)
    check.within("points", request.points, 0, _POINTS_MAX)
    found = filters(request.filters, asker, check)
    check.finish()
    step_s = analysis.trend_step_s(end - start, request.points or _POINTS)
    return Wanted(LedgerQuery(start, end, filters=found), request.top or _TOP, step_s)


async def overview(ledger: Ledger, asked: Wanted, now: float) -> pb.GetOverviewResponse:
    """All but how providers do now. Raises what the ledger raises."""
    query = asked.query
    # Of long ago there are no short steps. Round ones of an hour or a day are multiples of those.
    step_s = max(asked.step_s, ledger.finest_s(query.start))
    whole = await ledger.query(replace(query, kinds=needs.EVERYTHING))
    points = round((query.end - query.start) / step_s) + 2
    before, trend, providers, models, tenants = await _together(
        ledger,
        _before(query, whole.start),
        replace(query, step_s=step_s, kinds=needs.USAGE, cells_max=points),
        _by(asked, Dimension.PROVIDER, Rank.ATTEMPTS),
        _by(asked, Dimension.MODEL),
        _by(asked, Dimension.TENANT),
    )
    total = whole_cell(whole)
    return pb.GetOverviewResponse(
        start_time=timestamp(query.start),
        end_time=timestamp(query.end),
        data_until_time=timestamp(whole.data_until),
        usage=encode.usage_bucket(total),
        performance=encode.performance_bucket(total, now),
        costs=encode.cost_bucket(total),
        errors=encode.error_bucket(total),
        previous_usage=encode.usage_bucket(whole_cell(before)),
        top_providers=_top(asked, providers, Dimension.PROVIDER),
        top_models=_top(asked, models, Dimension.MODEL),
        top_tenants=_top(asked, tenants, Dimension.TENANT),
        trend=[
            encode.usage_bucket(cell)
            for cell in analysis.filled(trend.cells, query.start, query.end, step_s)
        ],
        trend_step=duration(step_s),
    )


def _before(query: LedgerQuery, summed_from: float) -> LedgerQuery:
    """As much time, up to the bucket in which this one begins: nothing counts twice."""
    start = max(summed_from - (query.end - query.start), 0.0)
    return replace(query, start=start, end=summed_from, kinds=needs.USAGE)


async def _together(ledger: Ledger, *queries: LedgerQuery) -> Sequence[LedgerAnswer]:
    """The answers in their order, or the first failure; then nothing is asked any more."""
    asking = [asyncio.create_task(ledger.query(query)) for query in queries]
    try:
        return await asyncio.gather(*asking)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)


def _by(asked: Wanted, axis: Axis, rank: Rank = Rank.REQUESTS) -> LedgerQuery:
    # Two more: those without a value are a group, too, and those whose value was not kept.
    limit = asked.top + 2
    return replace(asked.query, group_by=(axis,), rank=rank, limit=limit, kinds=needs.USAGE)


def _top(asked: Wanted, answer: LedgerAnswer, axis: Axis) -> list[pb.UsageBucket]:
    named = [cell for cell in answer.cells if cell.values not in _UNNAMED]
    return [encode.usage_bucket(cell, (name_of(axis),)) for cell in named[: asked.top]]


_UNNAMED = (("",), (OTHER,))

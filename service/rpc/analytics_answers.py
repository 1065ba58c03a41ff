"""Whole answers to questions about the past. Pure; of many cells they take long: use a thread."""

from __future__ import annotations

from dataclasses import dataclass

from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.rollup import Cell, LedgerAnswer
from service.rpc import encode_analytics as encode
from service.rpc.decode.analytics import Asked
from service.rpc.values import timestamp


@dataclass(frozen=True, slots=True)
class Told:
    """What was asked, what the ledger said, and when: in seconds since the epoch."""

    asked: Asked
    answer: LedgerAnswer
    now: float

    @property
    def next_token(self) -> str:
        return self.asked.next_token(self.answer)


def whole_cell(answer: LedgerAnswer) -> Cell:
    """All cells as one."""
    return Cell(answer.start, answer.end, (), answer.total)


def usage(told: Told) -> pb.QueryUsageResponse:
    cells, names = told.answer.cells, told.asked.names
    return pb.QueryUsageResponse(
        buckets=[encode.usage_bucket(cell, names) for cell in cells],
        total=encode.usage_bucket(whole_cell(told.answer)),
        next_page_token=told.next_token,
        data_until_time=timestamp(told.answer.data_until),
    )


def performance(told: Told) -> pb.QueryPerformanceResponse:
    cells, names, now = told.answer.cells, told.asked.names, told.now
    return pb.QueryPerformanceResponse(
        buckets=[encode.performance_bucket(cell, now, names) for cell in cells],
        total=encode.performance_bucket(whole_cell(told.answer), now),
        next_page_token=told.next_token,
        data_until_time=timestamp(told.answer.data_until),
    )


def costs(told: Told) -> pb.QueryCostsResponse:
    cells, names = told.answer.cells, told.asked.names
    return pb.QueryCostsResponse(
        buckets=[encode.cost_bucket(cell, names) for cell in cells],
        total=encode.cost_bucket(whole_cell(told.answer)),
        next_page_token=told.next_token,
        data_until_time=timestamp(told.answer.data_until),
    )


def errors(told: Told) -> pb.QueryErrorsResponse:
    cells, names = told.answer.cells, told.asked.names
    return pb.QueryErrorsResponse(
        buckets=[encode.error_bucket(cell, names) for cell in cells],
        total=encode.error_bucket(whole_cell(told.answer)),
        next_page_token=told.next_token,
        data_until_time=timestamp(told.answer.data_until),
    )

"""An overview of any time that is kept, and against the time before it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.call_record import CallRecord
from service.domain.provider import ModelRef
from service.domain.rollup import OTHER
from service.ledger.recorder import Recorder
from tests.integration.analytics_calls import analysed, by
from tests.kit.serving import Served

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
NOW = int(time.time())
METHOD = "/aiprovider.v1.CompletionService/Complete"
World = tuple[Served, Recorder]


def call(at: float, model: str = "m") -> CallRecord:
    target = ModelRef("one", model) if model else None
    return CallRecord(
        METHOD, "r", "", 0.0, "acme", target=target, ended_at=at, total_s=0.25, code="OK"
    )


def asked(start: int, end: int, **more: Any) -> pb.GetOverviewRequest:
    return pb.GetOverviewRequest(start_time={"seconds": start}, end_time={"seconds": end}, **more)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World, None]:
    async with analysed(tmp_path) as world:
        yield world


async def test_an_hour_of_which_no_minutes_are_kept(world: World) -> None:
    """The trend has the shortest steps that there are; nothing is refused."""
    served, recorder = world
    hour = NOW - NOW % HOUR_S - 5 * DAY_S
    recorder([call(hour + MINUTE_S), call(hour + 2 * HOUR_S)])

    told = await served.analytics.GetOverview(
        asked(hour, hour + 3 * HOUR_S, points=500), **by("acme")
    )

    assert HOUR_S == told.trend_step.seconds
    assert [1, 0, 1] == [point.requests for point in told.trend]
    assert 2 == told.usage.requests


async def test_the_time_before_ends_where_this_one_begins(world: World) -> None:
    """A bucket that the beginning lies in belongs to the one alone."""
    served, recorder = world
    minute = NOW - NOW % MINUTE_S - 2 * HOUR_S
    recorder([call(minute - MINUTE_S), call(minute), call(minute + 45)])

    told = await served.analytics.GetOverview(asked(minute + 30, minute + HOUR_S), **by("acme"))

    assert (2, 1) == (told.usage.requests, told.previous_usage.requests)


async def test_the_first_that_have_a_name(world: World) -> None:
    """Neither those without one nor those that were summed up take a place."""
    served, recorder = world
    recorder([call(NOW - HOUR_S, model) for model in ("", "", OTHER, OTHER, "a", "b")])

    told = await served.analytics.GetOverview(asked(NOW - DAY_S, NOW, top=2), **by("acme"))

    assert ["a", "b"] == [one.dimensions["model"] for one in told.top_models]

"""A walk through all pages tells every bucket exactly once, and what the tokens are for."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.attempt import Attempt, Outcome
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.completion import Usage
from service.domain.cost import Cost, Provenance
from service.domain.provider import ModelRef
from tests.integration.analytics_calls import analysed, by, costs, failure_of
from tests.kit.serving import Served, Status, details

HOUR_S = 3600
NOW = int(time.time())
START = NOW - NOW % HOUR_S - 6 * HOUR_S
MODELS = tuple(f"m{number}" for number in range(7))
METHOD = "/aiprovider.v1.CompletionService/Complete"


def call(at: float, model: str) -> CallRecord:
    target = ModelRef("one", model)
    return CallRecord(
        METHOD, "r", "", 0.0, "acme", target=target, ended_at=at, total_s=0.25, code="OK"
    )


def attempt(at: float, model: str, nano_usd: int) -> AttemptRecord:
    done = Attempt(
        ModelRef("one", model),
        Outcome.OK,
        0.25,
        usage=Usage(3, 2),
        cost=Cost(Provenance.COMPUTED, output=nano_usd),
    )
    return AttemptRecord(at, "r", "acme", METHOD, model, {}, done)


@pytest_asyncio.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Served, None]:
    """Of six hours, seven models an hour: the later model, the dearer."""
    async with analysed(tmp_path) as (served, recorder):
        for hour in range(6):
            at = START + hour * HOUR_S + 10.0
            for number, model in enumerate(MODELS):
                recorder((call(at, model), attempt(at, model, 10**number)))
        yield served


def hourly(**more: Any) -> dict[str, Any]:
    return {
        "start_time": {"seconds": START},
        "end_time": {"seconds": START + 6 * HOUR_S},
        "step": {"seconds": HOUR_S},
        "group_by": [pb.USAGE_DIMENSION_MODEL],
        **more,
    }


async def walk(served: Served, **query: Any) -> list[pb.QueryCostsResponse]:
    pages: list[pb.QueryCostsResponse] = []
    token = ""
    while not pages or token:
        request = costs(page_token=token, **query)
        pages.append(await served.analytics.QueryCosts(request, **by("acme")))
        token = pages[-1].next_page_token
    return pages


def told(*pages: pb.QueryCostsResponse) -> list[tuple[int, str, int]]:
    return [
        (one.start_time.seconds, one.dimensions["model"], one.cost.total_nano_usd)
        for page in pages
        for one in page.buckets
    ]


async def test_a_walk(served: Served) -> None:
    """All pages together are the one page that holds all; each knows the total of all."""
    whole = await served.analytics.QueryCosts(costs(**hourly()), **by("acme"))
    pages = await walk(served, **hourly(page_size=4))

    expected = [
        (START + hour * HOUR_S, model, 10**number)
        for hour in range(6)
        for number, model in reversed(list(enumerate(MODELS)))
    ]
    assert expected == told(whole) == told(*pages)
    assert [4] * 10 + [2] == [len(page.buckets) for page in pages]
    assert {6 * 1_111_111} == {page.total.cost.total_nano_usd for page in pages}


@pytest.mark.parametrize("page_size", [1, 41, 42, 43])
async def test_the_last_page(served: Served, page_size: int) -> None:
    """There is no empty page at the end, however it comes out."""
    pages = await walk(served, **hourly(page_size=page_size))

    assert 42 == len(told(*pages))
    assert all(page.buckets for page in pages)


async def test_the_first_by_rank(served: Served) -> None:
    """The dearest over the whole time, in every hour; the others are one; nothing is lost."""
    pages = await walk(served, **hourly(limit=2, page_size=5))

    expected = [
        (START + hour * HOUR_S, model, nano_usd)
        for hour in range(6)
        for model, nano_usd in (("m6", 10**6), ("m5", 10**5), ("(other)", 11_111))
    ]
    assert expected == told(*pages)


async def test_by_name(served: Served) -> None:
    """The order of names is asked for by name."""
    pages = await walk(served, **hourly(order_by=pb.ANALYTICS_ORDER_NAME, page_size=10))

    assert told(*pages) == sorted(told(*pages))


async def test_a_page_of_another_query(served: Served) -> None:
    """The token is refused by its name; another size of page is no other query."""
    first = await served.analytics.QueryCosts(costs(**hourly(page_size=4)), **by("acme"))
    token = first.next_page_token
    other = costs(**hourly(page_size=4, page_token=token, filters={"model": "m1"}))
    refused = await failure_of(served.analytics.QueryCosts(other, **by("acme")))
    theirs = costs(**hourly(page_size=4, page_token=token))
    stolen = await failure_of(served.analytics.QueryCosts(theirs, **by("globex")))
    same = costs(**hourly(page_size=10, page_token=token))
    second = await served.analytics.QueryCosts(same, **by("acme"))

    for failure in (refused, stolen):
        assert Status.INVALID_ARGUMENT == failure.code()
        assert ["query.page_token"] == [v.field for v in details(failure).bad.field_violations]
    assert 10 == len(second.buckets)


async def test_a_page_of_usage(served: Served) -> None:
    """QueryUsage has its fields at the top, and names the token there."""
    request = pb.QueryUsageRequest(page_token="x")
    failure = await failure_of(served.analytics.QueryUsage(request, **by("acme")))

    assert ["page_token"] == [v.field for v in details(failure).bad.field_violations]

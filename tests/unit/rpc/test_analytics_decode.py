"""A question about the past becomes the ledger's, or is refused with the path of every mistake."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.rollup import Cell, Dimension, Label, LedgerAnswer, Rank, Rollup
from service.rpc.decode.analytics import Asked, Asker, asked
from service.rpc.decode.pages import Place, token_of
from service.rpc.decode.watching import watching

NOW = 1_800_000_123.5
METHOD = "/aiprovider.v1.AnalyticsService/QueryCosts"
OWN = Asker(METHOD, "acme", sees_all=False, labels=frozenset({"team"}), now=NOW)
ALL = Asker(METHOD, "ops", sees_all=True, labels=frozenset({"team"}), now=NOW)


def ask(asker: Asker = OWN, **fields: Any) -> Asked:
    return asked(pb.AnalyticsQuery(**fields), asker, Rank.COST)


def refused(asker: Asker = OWN, **fields: Any) -> Mapping[str, str]:
    with pytest.raises(ServiceFailure) as failure:
        ask(asker, **fields)
    assert ErrorReason.INVALID_REQUEST is failure.value.reason
    return {one.field: one.description for one in failure.value.violations}


def answer(cells: int, of: int) -> LedgerAnswer:
    cell = Cell(0.0, 60.0, (), Rollup())
    return LedgerAnswer((cell,) * cells, Rollup(), of, 0.0, 60.0, 60.0)


def test_what_is_not_said() -> None:
    """The last day, one bucket, the caller's own tenant, ranked by what the query is about."""
    query = ask().query

    assert (NOW - 86_400, NOW) == (query.start, query.end)
    assert (None, (), 0, 0, 1000) == (
        query.step_s,
        query.group_by,
        query.limit,
        query.offset,
        query.cells_max,
    )
    assert {Dimension.TENANT: frozenset({"acme"})} == query.filters
    assert Rank.COST is query.rank


def test_all_that_can_be_said() -> None:
    """Every word of the contract has its place in the ledger's question."""
    found = ask(
        ALL,
        start_time={"seconds": 1_700_000_000, "nanos": 500_000_000},
        end_time={"seconds": 1_700_086_400},
        step={"seconds": 3600},
        group_by=[pb.USAGE_DIMENSION_CACHE_STATUS, pb.USAGE_DIMENSION_LABEL],
        label_key="team",
        filters={"tenant": "acme", "status": "OK", "label:team": "red"},
        order_by=pb.ANALYTICS_ORDER_TOKENS,
        limit=7,
        page_size=50,
    )

    assert (1_700_000_000.5, 1_700_086_400.0, 3600) == (
        found.query.start,
        found.query.end,
        found.query.step_s,
    )
    assert ((Dimension.CACHE_STATUS, Label("team")), ("cache_status", "label:team")) == (
        found.query.group_by,
        found.names,
    )
    assert {
        Dimension.TENANT: frozenset({"acme"}),
        Dimension.STATUS: frozenset({"OK"}),
        Label("team"): frozenset({"red"}),
    } == found.query.filters
    assert (Rank.TOKENS, 7, 50) == (found.query.rank, found.query.limit, found.query.cells_max)


def test_who_may_see_all() -> None:
    """With the permission all tenants are seen; without it, grouping by tenant shows one's own."""
    by_tenant = {"group_by": [pb.USAGE_DIMENSION_TENANT]}

    assert {} == ask(ALL, **by_tenant).query.filters
    assert {Dimension.TENANT: frozenset({"acme"})} == ask(OWN, **by_tenant).query.filters
    assert ask(OWN).query.filters == ask(OWN, filters={"tenant": "acme"}).query.filters


def test_another_tenant() -> None:
    """It is forbidden, and the words say what would permit it."""
    with pytest.raises(ServiceFailure, match="analytics_all") as failure:
        ask(OWN, filters={"tenant": "globex"})

    assert ErrorReason.MODEL_NOT_ALLOWED is failure.value.reason


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start_time": {"seconds": 9}, "end_time": {"seconds": 9}}, "query.start_time"),
        ({"start_time": {"seconds": 1_900_000_000}}, "query.start_time"),
        ({"end_time": {"seconds": -1}}, "query.end_time"),
        ({"step": {"seconds": 30}}, "query.step"),
        ({"step": {"seconds": 90}}, "query.step"),
        ({"step": {"seconds": 60, "nanos": 1}}, "query.step"),
        ({"step": {"seconds": -60}}, "query.step"),
        ({"step": {}}, "query.step"),
        (
            {"start_time": {"seconds": 1}, "end_time": {"seconds": 10**9}, "step": {"seconds": 60}},
            "query.step",
        ),
        ({"group_by": [0]}, "query.group_by[0]"),
        ({"group_by": [1, 99]}, "query.group_by[1]"),
        ({"group_by": [1, 2, 1]}, "query.group_by[2]"),
        ({"group_by": [pb.USAGE_DIMENSION_LABEL]}, "query.label_key"),
        ({"group_by": [pb.USAGE_DIMENSION_LABEL], "label_key": "user"}, "query.label_key"),
        ({"label_key": "team"}, "query.label_key"),
        ({"filters": {"colour": "red"}}, 'query.filters["colour"]'),
        ({"filters": {"label:user": "u1"}}, 'query.filters["label:user"]'),
        ({"filters": {"label:": "u1"}}, 'query.filters["label:"]'),
        ({"order_by": 99}, "query.order_by"),
        ({"limit": -1}, "query.limit"),
        ({"limit": 10_001}, "query.limit"),
        ({"page_size": -1}, "query.page_size"),
        ({"page_token": "nonsense"}, "query.page_token"),
        ({"page_token": "é"}, "query.page_token"),
    ],
)
def test_mistakes(fields: dict[str, Any], field: str) -> None:
    """Each one is told at its own path, and nothing else is."""
    assert [field] == list(refused(**fields))


def test_all_mistakes_at_once() -> None:
    """A caller learns of all of them together."""
    found = refused(group_by=[0], step={"seconds": 1}, filters={"x": "y"}, limit=-1)

    assert {"query.group_by[0]", "query.step", 'query.filters["x"]', "query.limit"} == set(found)


def test_the_words_of_a_refusal() -> None:
    """They say what could be asked instead."""
    kept = refused(group_by=[pb.USAGE_DIMENSION_LABEL], label_key="user")["query.label_key"]
    steps = refused(start_time={"seconds": 1_799_000_000}, step={"seconds": 60})["query.step"]

    assert "no label 'user' is kept; kept are team: `analytics.labels` names them" == kept
    assert "120 s or more" in steps


def test_the_step_that_a_refusal_names_is_taken() -> None:
    """Who does as it says is answered, whatever time is asked about."""
    for span_s in (600_001, 604_800, 1_200_000, 1_200_001, 31_536_000):
        start = {"seconds": int(NOW) - span_s}
        words = refused(start_time=start, step={"seconds": 60})["query.step"]
        (least,) = re.findall(r"steps of ([\d,]+) s or more", words)

        assert ask(start_time=start, step={"seconds": int(least.replace(",", ""))})


def test_the_next_page() -> None:
    """It goes on where the page before ended, and about the same time, however late it is."""
    first = ask(page_size=2)
    token = first.next_token(answer(2, of=3))
    later = Asker(METHOD, "acme", sees_all=False, labels=frozenset(), now=NOW + 500)
    second = ask(later, page_size=1, page_token=token)

    assert (first.query.start, first.query.end, 2) == (
        second.query.start,
        second.query.end,
        second.query.offset,
    )
    assert "" == second.next_token(answer(1, of=3))
    assert "" == first.next_token(answer(0, of=0))


@pytest.mark.parametrize(
    ("asker", "fields"),
    [
        (OWN, {"filters": {"model": "m"}}),
        (OWN, {"limit": 3}),
        (OWN, {"step": {"seconds": 60}}),
        (ALL, {}),
        (Asker(METHOD, "globex", sees_all=False, labels=(), now=NOW), {}),
        (Asker("/aiprovider.v1.AnalyticsService/QueryUsage", "acme", False, (), NOW), {}),
    ],
)
def test_a_token_of_another_query(asker: Asker, fields: dict[str, Any]) -> None:
    """It is refused at the token: by another query, another caller's scope, another method."""
    token = ask().next_token(answer(2, of=3))

    found = refused(asker, page_token=token, **fields)
    assert "belongs to another query" in found["query.page_token"]


@pytest.mark.parametrize(
    ("start", "end"),
    [(1e300, 1e300), (2e12, 3e12), (0.0, math.inf), (0.0, math.nan), (-1.0, 1.0), (2.0, 1.0)],
)
def test_a_token_of_no_time(start: float, end: float) -> None:
    """Whoever makes one up is told so, and it is no fault of the service."""
    found = ask()
    token = token_of(found.page_digest, Place(start, end, 0))
    words = orjson.dumps([1, found.page_digest, str(start), str(end), 0])

    for forged in (token, base64.urlsafe_b64encode(words).decode().rstrip("=")):
        assert {"query.page_token": "is no token that this service gave"} == refused(
            page_token=forged
        )


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (pb.WatchMetricsRequest(), (2.0, 10)),
        (
            pb.WatchMetricsRequest(interval={"nanos": 200_000_000}, window={"seconds": 60}),
            (0.2, 60),
        ),
    ],
)
def test_watching(request_: pb.WatchMetricsRequest, expected: tuple[float, int]) -> None:
    """Every 2 s over the last 10 s, unless it says otherwise."""
    assert expected == watching(request_)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.WatchMetricsRequest(interval={"nanos": 100_000_000}), "interval"),
        (pb.WatchMetricsRequest(interval={"seconds": 61}), "interval"),
        (pb.WatchMetricsRequest(window={"seconds": 61}), "window"),
        (pb.WatchMetricsRequest(window={"seconds": 1, "nanos": 500_000_000}), "window"),
        (pb.WatchMetricsRequest(window={}), "window"),
    ],
)
def test_what_cannot_be_watched(request_: pb.WatchMetricsRequest, field: str) -> None:
    """A watch is neither so frequent that it costs, nor about what is not kept."""
    with pytest.raises(ServiceFailure) as failure:
        watching(request_)

    assert [field] == [one.field for one in failure.value.violations]

"""Questions about the past become the contract's message, or are refused before the call."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider_client import Inquiry
from aiprovider_client.cli import main, moments
from aiprovider_client.cli.analytics import inquiry_of
from aiprovider_client.cli.arguments import parser
from aiprovider_client.inquiry import DIMENSIONS, ORDERS

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _short(enum: Any, prefix: str) -> set[str]:
    return {name.removeprefix(prefix).lower() for name, _ in enum.items()}


def test_every_word_of_the_contract_has_its_name() -> None:
    """Dimensions and orders of the contract and of the client are the same."""
    dimensions = _short(pb.UsageDimension, "USAGE_DIMENSION_")
    orders = _short(pb.AnalyticsOrder, "ANALYTICS_ORDER_")

    assert {*DIMENSIONS, "label", "unspecified"} == dimensions
    assert {*ORDERS, "unspecified"} == orders


def test_what_is_left_out_is_left_to_the_service() -> None:
    """No wish is no field."""
    assert pb.AnalyticsQuery() == Inquiry().message()


def test_a_whole_inquiry() -> None:
    """Every wish has its field; a span is counted back from the end."""
    told = Inquiry(
        since=timedelta(days=1),
        until=NOON,
        step=timedelta(hours=1),
        by=["tenant", "label:team"],
        filters={"provider": "openai"},
        order="cost",
        top=3,
    ).message()

    assert NOON.timestamp() - 86_400 == told.start_time.seconds
    assert NOON.timestamp() == told.end_time.seconds
    assert 3600 == told.step.seconds
    assert [pb.USAGE_DIMENSION_TENANT, pb.USAGE_DIMENSION_LABEL] == list(told.group_by)
    assert ("team", {"provider": "openai"}) == (told.label_key, dict(told.filters))
    assert (pb.ANALYTICS_ORDER_COST, 3) == (told.order_by, told.limit)


@pytest.mark.parametrize(
    "wish",
    [
        {"by": ["colour"]},
        {"by": ["label:a", "label:b"]},
        {"order": "colour"},
        {"top": -1},
        {"step": timedelta(seconds=-1)},
    ],
)
def test_what_cannot_be_meant(wish: dict[str, object]) -> None:
    """It is refused with its name."""
    with pytest.raises(ValueError, match=next(iter(wish))):
        Inquiry(**wish)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00Z", NOON),
        ("2026-01-31T13:00+01:00", datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_moments_and_spans(text: str, expected: object) -> None:
    """A span is a whole number and its unit; a moment without a zone is UTC."""
    assert expected == moments.moment_or_span(text)


@pytest.mark.parametrize("text", ["", "yesterday", "7", "1.5h", "-1h", "999999999w", "2026-13-01"])
def test_neither_moment_nor_span(text: str) -> None:
    """It is refused in the words of what is expected."""
    with pytest.raises(argparse.ArgumentTypeError, match="such as"):
        moments.moment_or_span(text)


@pytest.mark.parametrize("typed", [("team",), ("=x",), ("tenant=a", "tenant=b")])
def test_filters_that_say_nothing(typed: tuple[str, ...]) -> None:
    """A filter is NAME=VALUE, once for each name."""
    words = [word for text in typed for word in ("--filter", text)]

    with pytest.raises(ValueError, match="--filter"):
        inquiry_of(parser().parse_args(["usage", *words]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("usage", "--by", "colour"), "'colour' is none of"),
        (("usage", "--since", "yesterday"), "must be a moment"),
        (("costs", "--step", "hourly"), "must be a span"),
        (("costs", "--since", "9999999d"), "before the year 1"),
        (("costs", "--until", "9999999d"), "before the year 1"),
        (("overview", "--since", "0001-01-01T00:00+14:00"), "before the year 1"),
        (("costs", "--filter", "model"), "--filter must be NAME=VALUE"),
        (("errors", "--top", "-1"), "top must be at least 0"),
        (("performance", "--order", "colour"), "invalid choice"),
        (("overview", "--by", "model"), "unrecognized arguments"),
        (("top", "--interval", "0"), "must be a number of seconds"),
        (("top", "--format", "xml"), "invalid choice"),
    ],
)
def test_what_cannot_be_typed(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    """It is refused before anybody is asked, with exit code 2."""
    try:
        code = main([*arguments, "--server", "127.0.0.1:1", "--timeout", "0.01"])
    except SystemExit as left:
        code = left.code

    assert 2 == code
    assert words in capsys.readouterr().err

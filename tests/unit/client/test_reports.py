"""Money is told exactly; CSV holds raw whole numbers; what is not known is neither 0 nor free."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider_client.cli import figures, reports
from aiprovider_client.cli.figures import usd
from hypothesis import given
from hypothesis import strategies as st

SECOND = {"seconds": 1}
BILLED = pb.CostBucket(
    start_time={"seconds": 1_800_000_000},
    dimensions={"model": "gpt, 4o", "tenant": "acme"},
    requests=3,
    attempts=4,
    unpriced_attempts=1,
    cost={"total_nano_usd": 1_234_567_891, "input_nano_usd": 34_567_891},
    nano_usd_per_request=411_522_630,
)
UNKNOWN = pb.CostBucket(
    start_time={"seconds": 1_800_003_600},
    dimensions={"model": "m", "tenant": "acme"},
    attempts=2,
    unpriced_attempts=2,
    cost={"unpriced": True},
)
NAMES = ("tenant", "model")
PARTS = ("input", "output", "cache_read", "cache_write", "other")
RESPONSE = pb.QueryCostsResponse(
    buckets=[BILLED, UNKNOWN], total=BILLED, data_until_time={"seconds": 1_800_000_060}
)


@pytest.mark.parametrize(
    ("nano_usd", "expected"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (1_500_000_000, "$1.50"),
        (-20_000_000, "-$0.02"),
        (9_223_372_036_854_775_807, "$9,223,372,036.854775807"),
    ],
)
def test_money(nano_usd: int, expected: str) -> None:
    """To the last nano-USD, with two places at least."""
    assert expected == usd(nano_usd)


@given(st.integers(-(2**63), 2**63 - 1))
def test_no_amount_is_rounded(nano_usd: int) -> None:
    """What is read back is what was told."""
    told = Decimal(usd(nano_usd).replace("$", "").replace(",", ""))

    assert nano_usd == told * 10**9


def test_csv() -> None:
    """It is read back by a CSV reader: whole numbers, and nothing where nothing is known."""
    first, second = csv.DictReader(
        io.StringIO(reports.as_csv(RESPONSE.buckets, figures.COSTS, NAMES))
    )

    assert ("gpt, 4o", "acme") == (first["model"], first["tenant"])
    assert ("2027-01-15T08:00:00Z", "1234567891") == (first["start_time"], first["total_nano_usd"])
    assert ("", "", "2") == (
        second["total_nano_usd"],
        second["nano_usd_per_request"],
        second["unpriced_attempts"],
    )


def test_the_table() -> None:
    """A line for each bucket, then the sum; an unknown cost is a dash."""
    lines = reports.as_table(RESPONSE, figures.COSTS, NAMES, with_time=True).splitlines()

    assert ["from", "tenant", "model", "requests"] == lines[0].split()[:4]
    assert "$1.234567891" in lines[1]
    assert "$" not in lines[2].replace("$0.00", "")
    assert lines[3].startswith("all")
    assert "complete until 2027-01-15T08:01:00Z" == lines[4]


def test_the_parts_make_the_total() -> None:
    """All parts of a cost stand in the CSV and, where there are such, in the table."""
    parts = {f"{name}_nano_usd": 10**place for place, name in enumerate(PARTS)}
    bucket = pb.CostBucket(cost={"total_nano_usd": 11_111, **parts})
    response = pb.QueryCostsResponse(buckets=[bucket], total=bucket)

    (told,) = csv.DictReader(io.StringIO(reports.as_csv([bucket], figures.COSTS)))
    table = reports.as_table(response, figures.COSTS, (), with_time=False)

    assert int(told["total_nano_usd"]) == sum(int(told[f"{name}_nano_usd"]) for name in PARTS)
    for amount in parts.values():
        assert usd(amount) in table


def test_names_command_no_terminal() -> None:
    """What a caller put into a name moves no cursor, and breaks no line."""
    bucket = pb.CostBucket(dimensions={"model": "m\x1b[2J\n\u202e"}, requests=1)
    response = pb.QueryCostsResponse(buckets=[bucket], total=bucket)

    lines = reports.as_table(response, figures.COSTS, ["model"], with_time=False).splitlines()

    assert r"m\x1b[2J\n\u202e" == lines[1].split()[0]
    assert lines[2].startswith("all")


def test_why_attempts_failed() -> None:
    """Beside what callers were told; and what nobody answered has a line with a name."""
    told = pb.ErrorBucket(requests=1, reasons=[{"reason": "NO_HEALTHY_PROVIDER", "count": 1}])
    failed = pb.ErrorBucket(
        dimensions={"provider": "openai"},
        failed_attempts=2,
        attempt_reasons=[{"reason": "PROVIDER_TIMEOUT", "count": 2}],
    )
    response = pb.QueryErrorsResponse(buckets=[told, failed], total=told)

    table = reports.as_table(response, figures.ERRORS, ["provider"], with_time=False)
    _, nobody, openai, *_ = (line.split() for line in table.splitlines())

    assert ("none", "NO_HEALTHY_PROVIDER:1") == (nobody[0], nobody[-1])
    assert ("openai", "PROVIDER_TIMEOUT:2") == (openai[0], openai[-1])


@pytest.mark.parametrize(
    ("known", "bucket"),
    [
        (figures.USAGE, pb.UsageBucket()),
        (figures.PERFORMANCE, pb.PerformanceBucket()),
        (figures.COSTS, pb.CostBucket()),
        (figures.ERRORS, pb.ErrorBucket()),
    ],
)
def test_every_figure_stands_in_the_contract(
    known: tuple[figures.Figure, ...], bucket: object
) -> None:
    """It can be told of an empty bucket, and has a name of its own."""
    names = [figure.name for figure in known]

    told = [figures.shown(figure, bucket) for figure in known]
    assert len(set(names)) == len(names)
    assert len(names) == len(told)

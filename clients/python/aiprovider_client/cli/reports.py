"""Answers of AnalyticsService as a table for a person, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from aiprovider_client.cli.figures import Figure, iso, shown
from aiprovider_client.cli.tables import NOBODY, table

_ALL = "all"


def as_table(
    response: Any, figures: Sequence[Figure], names: Sequence[str], *, with_time: bool
) -> str:
    """`names` are those of the dimensions. The last line is the sum of all.

    A column in which nothing stands but 0 or - is left out.
    """
    buckets = [*response.buckets, response.total]
    columns = [
        (name, [_value(one, name) or NOBODY for one in response.buckets] + [""]) for name in names
    ]
    if with_time:
        columns.insert(0, ("from", [iso(one.start_time) for one in response.buckets] + [""]))
    if not columns:
        columns = [("", [""] * len(response.buckets) + [""])]
    columns[0][1][-1] = _ALL
    for figure in figures:
        if not figure.heading:
            continue
        cells = [shown(figure, one) for one in buckets]
        if any(figure.value(one) for one in buckets):
            columns.append((figure.heading, cells))
    return table(*columns) + f"\n{_freshness(response)}"


def as_csv(buckets: Sequence[Any], figures: Sequence[Figure], names: Sequence[str] = ()) -> str:
    """A line for each bucket, none for the sum. What is not known is empty."""
    told = io.StringIO()
    lines = csv.writer(told, lineterminator="\n")
    lines.writerow(["start_time", *names, *(figure.name for figure in figures)])
    for bucket in buckets:
        values = [figure.value(bucket) for figure in figures]
        lines.writerow(
            [
                iso(bucket.start_time),
                *(_value(bucket, name) for name in names),
                *("" if value is None else value for value in values),
            ]
        )
    return told.getvalue()


def _freshness(response: Any) -> str:
    return f"complete until {iso(response.data_until_time)}"


def _value(bucket: Any, name: str) -> str:
    return bucket.dimensions.get(name, "")

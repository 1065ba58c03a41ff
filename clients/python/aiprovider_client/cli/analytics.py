"""`aip usage`, `costs`, `performance`, `errors`, `overview` and `top`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from aiprovider_client.cli import figures, live, output, overview_text, reports
from aiprovider_client.cli.figures import Figure
from aiprovider_client.cli.requests import client_of
from aiprovider_client.inquiry import Inquiry

_FIGURES: dict[str, Sequence[Figure]] = {
    "usage": figures.USAGE,
    "costs": figures.COSTS,
    "performance": figures.PERFORMANCE,
    "errors": figures.ERRORS,
}
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K\n", "\x1b[J"


def inquiry_of(options: argparse.Namespace) -> Inquiry:
    filters: dict[str, str] = {}
    for text in options.filter:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ValueError(f"--filter must be NAME=VALUE, not {text!r}")
        if name in filters:
            raise ValueError(f"--filter {name} is given twice")
        filters[name] = value
    names = [name for text in getattr(options, "by", ()) for name in text.split(",")]
    return Inquiry(
        since=options.since,
        until=options.until,
        step=getattr(options, "step", None),
        by=names,
        filters=filters,
        order=getattr(options, "order", None),
        top=options.top,
    )


async def query(options: argparse.Namespace) -> int:
    inquiry = inquiry_of(options)
    async with client_of(options) as client:
        response = await getattr(client, options.command)(inquiry)
    wanted = _FIGURES[options.command]
    match _format(options):
        case "json":
            output.print_json(response)
        case "csv":
            sys.stdout.write(reports.as_csv(response.buckets, wanted, inquiry.by))
        case _:
            with_time = inquiry.step is not None
            print(reports.as_table(response, wanted, inquiry.by, with_time=with_time))
    return 0


async def overview(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        response = await client.overview(inquiry_of(options))
    match _format(options):
        case "json":
            output.print_json(response)
        case "csv":
            sys.stdout.write(reports.as_csv(response.trend, figures.USAGE))
        case _:
            print(overview_text.overview(response))
    return 0


async def top(options: argparse.Namespace) -> int:
    """On a terminal the picture is drawn anew in place; otherwise a line is printed each time."""
    left = options.count
    form = _format(options)
    if form == "csv":
        print(live.HEADER, flush=True)
    async with client_of(options) as client:
        watched = client.watch_metrics(interval_s=options.interval, window_s=options.window)
        async for told in watched:
            _show(told, form)
            left -= 1
            if left == 0:
                await watched.aclose()
                break
    return 0


def _show(told: Any, form: str) -> None:
    if form == "json":
        output.print_json_line(told)
    elif form == "csv":
        print(live.csv_line(told), flush=True)
    elif sys.stdout.isatty():
        # Line by line over the one before: a screen that is cleared first flickers.
        lines = "".join(f"{line}{_END_OF_LINE}" for line in live.picture(told).splitlines())
        sys.stdout.write(f"{_HOME}{lines}{_BELOW}")
        sys.stdout.flush()
    else:
        print(live.line(told), flush=True)


def _format(options: argparse.Namespace) -> str:
    return "json" if options.json else options.format

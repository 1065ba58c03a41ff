"""The log's writer."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from service.telemetry.logs import Bridge, LogWriter
from service.telemetry.redaction import MASK, Redactor


def written(record: Mapping[str, Any], *, json: bool) -> list[str]:
    """The lines of a record and of one that comes after it."""
    out = io.StringIO()
    writer = LogWriter(Redactor(["very-secret"]), json=json, out=out)
    writer.put(record)
    writer.flush()
    writer.put({"event": "later"})
    writer.close()
    return out.getvalue().splitlines()


@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize(
    "odd",
    [
        {"value": "\ud800"},
        {"value": 2**70},
        {"value": {1: "one"}},
        {"value": float("nan")},
        {"at": 1e20},
        {"at": "soon"},
    ],
)
def test_no_record_ends_the_log(odd: Mapping[str, Any], json: bool) -> None:
    """What cannot be rendered is told to be so, and the log goes on."""
    first, later = written({"event": "odd", **odd}, json=json)

    assert "odd" in first
    assert "later" in later


def test_a_librarys_mistake_is_logged_and_not_raised() -> None:
    """Whoever logs may be serving a call: its words are told as they stand, without the values."""
    out = io.StringIO()
    writer = LogWriter(Redactor(), json=True, out=out)
    Bridge(writer).handle(logging.LogRecord("library", 30, "", 0, "%d calls", ("two",), None))
    writer.close()

    assert "%d calls" == orjson.loads(out.getvalue())["event"]


def test_what_could_not_be_rendered_holds_no_secret() -> None:
    """Its line says which one it was, and why, in the words of a line like any other."""
    first, _ = written({"event": "odd very-secret", "at": 1e20}, json=True)

    told = orjson.loads(first)
    assert "a record of the log cannot be rendered" == told["event"]
    assert f"odd {MASK}" == told["record"]


def test_a_collector_is_told_no_secret() -> None:
    """Neither the line nor the name of what happened holds one, whosever message it is."""
    told: list[tuple[str, str]] = []
    writer = LogWriter(Redactor(["very-secret"]), json=True, out=io.StringIO())
    writer.also = lambda line, fields, _: told.append((line, fields["event"]))
    writer.put({"event": "cannot reach http://h/?key=very-secret"})
    writer.close()

    ((line, event),) = told
    assert "very-secret" not in line
    assert f"cannot reach http://h/?key={MASK}" == event

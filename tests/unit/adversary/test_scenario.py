"""Directives out of text, and which of two scenarios wins."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adversary import Scenario

DOCUMENT = Path(__file__).parents[3] / "docs" / "adversary.md"
READ: dict[str, dict[str, Any]] = {
    "status=503": {"status": 503},
    "retry-after=Wed, 21 Oct 2026 07:28:00 GMT": {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"},
    "error=content_policy": {"error": "content_policy"},
    "latency=200ms": {"latency": 0.2},
    "latency=1.5s": {"latency": 1.5},
    "latency=2": {"latency": 2.0},
    "rate=20": {"rate": 20.0},
    "tokens=7": {"tokens": 7},
    "delta=10MB": {"delta": 10_000_000},
    "delta=1.5kb": {"delta": 1500},
    "delta=9B": {"delta": 9},
    "delta=9": {"delta": 9},
    "hang=first-token": {"hang": "first-token"},
    "stall-after=0": {"stall_after": 0},
    "cut=0": {"cut": 0},
    "cut-event=3": {"cut_event": 3},
    "cut-mode=rst": {"cut_mode": "rst"},
    "framing=length": {"framing": "length"},
    "malformed=utf8": {"malformed": "utf8"},
    "content-type=text/html": {"content_type": "text/html"},
    "truncate-json": {"truncate_json": True},
    "empty=true": {"empty": True},
    "shape=wrong": {"shape": "wrong"},
    "missing=done": {"missing": "done"},
    "duplicate=finish": {"duplicate": "finish"},
    "error-midstream=1": {"error_midstream": True},
    "gzip": {"gzip": True},
    "gzip-bomb": {"gzip_bomb": True},
    "header-bomb": {"header_bomb": True},
    "line-bomb": {"line_bomb": True},
    "drip=5": {"drip": 5},
    "first=2": {"first": 2},
    "finish=length": {"finish": "length"},
    "refusal": {"refusal": True},
    "usage=rich": {"usage": "rich"},
    "unknown-fields": {"unknown_fields": True},
    "redacted-thinking": {"redacted_thinking": True},
    "reasoning": {"reasoning": True},
    "tools=2": {"tools": 2},
}
scenarios = st.lists(st.sampled_from(sorted(READ))).map(
    lambda words: Scenario.parse(";".join(words))
)


@pytest.mark.parametrize("text", READ)
def test_every_directive_is_read(text: str) -> None:
    """A directive sets its own field, and nothing else."""
    assert Scenario(**READ[text]) == Scenario.parse(text)


def test_the_table_above_is_complete() -> None:
    """No directive goes untested, and none undocumented."""
    table = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    directives = {field.name.replace("_", "-") for field in dataclasses.fields(Scenario)}

    assert directives == {re.split("[=]", text)[0] for text in READ}
    assert directives == set(re.findall(r"`([a-z-]+)[=`]", "\n".join(table)))


@pytest.mark.parametrize(
    "text",
    ["status=429; retry-after=2", "status=429+retry-after=2", " ;status=429;; retry-after=2 ;"],
)
def test_separators(text: str) -> None:
    """A plus and a semicolon both separate; blanks and empty words say nothing."""
    assert Scenario(status=429, retry_after="2") == Scenario.parse(text)


def test_the_last_word_counts() -> None:
    """A directive that is said twice has its last value."""
    assert Scenario(status=500) == Scenario.parse("status=400;status=500")


@pytest.mark.parametrize("text", ["", " ", ";+;"])
def test_nothing_said(text: str) -> None:
    """Without a directive the answer is a well-behaved one."""
    assert Scenario() == Scenario.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("staus=429", "unknown directive 'staus'; known: status, retry-after, .*, tools$"),
        ("status=429; =3; nope", "unknown directive 'nope'"),
        ("status=many", "directive 'status': .*'many'"),
        ("latency=soon", "directive 'latency': .*'soon'"),
        ("delta=10GB", "directive 'delta': .*'10G'"),
        ("gzip=9", "directive 'gzip': takes no value"),
        ("hang=tail", "directive 'hang': must be one of headers, first-token, body, is 'tail'"),
        ("error=odd", "directive 'error': must be one of content_policy, .*, is 'odd'"),
        ("cut-mode=", "directive 'cut-mode': must be one of fin, rst, is ''"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    """An unknown directive or value is refused with its name and what would be right."""
    with pytest.raises(ValueError, match=message):
        Scenario.parse(text)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o", ("gpt-4o", Scenario())),
        ("gpt-4o+cut=40+cut-mode=rst", ("gpt-4o", Scenario(cut=40, cut_mode="rst"))),
        ("org/model:1+gzip", ("org/model:1", Scenario(gzip=True))),
    ],
)
def test_of_model(model: str, expected: tuple[str, Scenario]) -> None:
    """What follows the first plus of a model's name is its scenario."""
    assert expected == Scenario.of_model(model)


def test_over_merges() -> None:
    """Laid over another, a scenario wins where it says something; the rest of the other stays."""
    above = Scenario(status=503, cut=0)
    below = Scenario(status=429, retry_after="2", cut=9)

    assert Scenario(status=503, retry_after="2", cut=0) == above.over(below)


@given(one=scenarios, two=scenarios, three=scenarios)
def test_over_is_a_monoid(one: Scenario, two: Scenario, three: Scenario) -> None:
    """A plain scenario changes nothing on either side, and how one groups does not matter."""
    assert one == Scenario().over(one) == one.over(Scenario()) == one.over(one)
    assert one.over(two).over(three) == one.over(two.over(three))

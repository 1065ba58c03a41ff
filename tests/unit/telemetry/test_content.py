"""Prompts and answers as attributes."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from service.domain.attempt import Exchange
from service.domain.completion import CompletionSpec, Message, Role, Text
from service.telemetry.content import INPUT, ContentPolicy
from service.telemetry.redaction import Redactor
from tests.unit.telemetry.records import attempt

ASKED = attempt(exchange=Exchange(CompletionSpec("gpt-4o", (Message(Role.USER, (Text("Hi"),)),))))


@pytest.mark.parametrize("given", [42, b"Hi", ["Hi"]])
def test_a_hook_that_gives_no_text(given: Any) -> None:
    """It fails as one that raises does: nothing is told, and the log says so once."""
    policy = ContentPolicy(Redactor(), lambda _name, _text: given)
    with capture_logs() as lines:
        told = [policy.attributes(ASKED) for _ in range(2)]

    assert [{}, {}] == told
    assert 1 == len(lines)
    assert "content_hook fails" in lines[0]["event"]


def test_a_hook_that_gives_nothing() -> None:
    """None is a decision, and no failure."""
    policy = ContentPolicy(Redactor(), lambda _name, _text: None)
    with capture_logs() as lines:
        assert {} == policy.attributes(ASKED)
    assert not lines


def test_a_hook_that_decides() -> None:
    """What it gives is told."""
    told = ContentPolicy(Redactor(), lambda name, text: f"{name}: {len(text)}").attributes(ASKED)

    assert told[INPUT].startswith(f"{INPUT}: ")


def test_a_hook_that_raises() -> None:
    """The log tells what kind of error and where, but not in its words: they may be the prompt."""

    def failing(name: str, text: str) -> str:
        raise ValueError(f"{name} {text}")

    policy = ContentPolicy(Redactor(), failing)
    with capture_logs() as lines:
        assert {} == policy.attributes(ASKED)

    assert lines[0]["problem"].startswith("ValueError at ")
    assert "test_content.py" in lines[0]["problem"]
    assert "Hi" not in str(lines)
    assert "exc_info" not in lines[0]

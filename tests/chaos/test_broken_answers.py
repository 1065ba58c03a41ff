"""Answers that break off, or are none: no caller ever takes one for whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.scene import BY_PRIORITY, LEADER, SECOND, THIRD, Scene, scene

Score = Callable[[str, Scene], None]


@pytest.mark.parametrize("fault", ["cut-event=4", "cut-event=4; cut-mode=rst", "error-midstream"])
async def test_break(tmp_path: Path, score: Score, fault: str) -> None:
    """A stream that breaks off is said to; a whole answer, or a restart, comes from elsewhere."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault(fault, LEADER)
        streamed = await made.ask(stream=True)
        whole = await made.ask()
        restarted = await made.ask(stream=True, restart=True)
        score(f"break in the middle: {fault}", made)

    assert "STREAM_INTERRUPTED" == streamed.reason
    assert ("", SECOND) == (whole.reason, whole.provider)
    assert ("", SECOND, 1) == (restarted.reason, restarted.provider, restarted.restarts)
    made.require("STREAM_INTERRUPTED")


async def test_break_everywhere(tmp_path: Path, score: Score) -> None:
    """A restart that nobody can carry on ends as the interruption that it is."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("cut-event=4", LEADER, SECOND, THIRD)
        seen = await made.ask(stream=True, restart=True)
        score("break in the middle, everywhere", made)

    assert "STREAM_INTERRUPTED" == seen.reason
    assert 3 == len(seen.attempts)
    made.require("STREAM_INTERRUPTED")


@pytest.mark.parametrize("fault", ["malformed=sse", "malformed=json", "truncate-json"])
async def test_malformed(tmp_path: Path, score: Score, fault: str) -> None:
    """What cannot be read before anything was told is failed over, after that it is said."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault(fault, LEADER)
        await made.ask_many(6)
        score(f"malformed: {fault}", made)

    assert {""} == {seen.reason for seen in made.seen[::2]}
    made.require("STREAM_INTERRUPTED")


@pytest.mark.parametrize("fault", ["empty", "shape=wrong", "content-type=text/html", "gzip-bomb"])
async def test_no_answer(tmp_path: Path, score: Score, fault: str) -> None:
    """A success that holds no answer is none: somebody else gives one."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault(fault, LEADER)
        await made.ask_many(12)
        score(f"a 200 that is none: {fault}", made)

    assert made.upstream(LEADER) <= 5
    made.require()

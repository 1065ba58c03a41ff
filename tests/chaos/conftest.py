"""Collects the rows of the scorecard, prints it, and writes it where SCORECARD is set."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.chaos import scorecard
from tests.chaos.scene import Scene

_ROWS: list[scorecard.Row] = []


@pytest.fixture
def score() -> Callable[[str, Scene], None]:
    """Call it at the end of a scenario with its name."""

    def score(scenario: str, scene: Scene) -> None:
        _ROWS.append(scorecard.row(scenario, scene))

    return score


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _ROWS:
        return
    terminalreporter.section("scorecard of the fault suite")
    terminalreporter.write_line(scorecard.table(_ROWS))
    if os.environ.get("SCORECARD"):
        scorecard.write(_ROWS)

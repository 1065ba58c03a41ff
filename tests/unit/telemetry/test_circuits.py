"""What the metric of circuits reads."""

from __future__ import annotations

from random import Random

from service.domain.errors import ProviderFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.telemetering import circuits
from tests.kit.virtual import Clock

TARGET = ModelRef("openai", "gpt-4o")
DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=500)


def test_an_opening_that_is_over() -> None:
    """An open circuit is told as half-open as soon as a trial is due, though nobody asks for one,
    as health tells it, too.
    """
    clock = Clock(1000.0)
    board = Scoreboard(clock, Random(3))
    for _ in range(5):
        board.ended(TARGET, Ended(0.5, DOWN, start=board.began(TARGET)))

    assert [(("openai", "", "gpt-4o"), 2.0)] == list(circuits(board))
    clock.now += 3600.0
    assert [(("openai", "", "gpt-4o"), 1.0)] == list(circuits(board))

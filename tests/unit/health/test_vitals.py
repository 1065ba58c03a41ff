"""What is read off the scoreboard, and that reading changes nothing there."""

from __future__ import annotations

from random import Random

import pytest

from service.domain.breaker import Circuit
from service.domain.errors import ProviderFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.vitals import Vitals
from tests.unit.health.scenes import BUSY, DOWN, attempt

M = ModelRef("one", "m")


class Scene:
    """A scoreboard whose clock is set by hand."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.board = Scoreboard(lambda: self.at, Random(1))
        self.vitals = Vitals(self.board)

    def attempt(self, how: Ended, target: ModelRef = M) -> None:
        attempt(self.board, target, how)

    def answer(self, duration_s: float, first_token_s: float | None = None) -> None:
        self.attempt(Ended(duration_s, first_token_s=first_token_s, output_tokens=10))

    def fail(self, failure: ProviderFailure = DOWN, count: int = 1) -> None:
        for _ in range(count):
            self.attempt(Ended(0.1, failure))


def test_attempts_count_at_once() -> None:
    """What has ended is in the next reading, with no time between."""
    scene = Scene()
    before = scene.vitals.read()
    scene.answer(3.0, 0.4)
    scene.answer(1.0, 0.2)
    scene.fail()
    [after] = scene.vitals.read()

    assert [] == list(before)
    assert (2.0, 1.0) == (after.successes, after.faults)
    assert ([1.0, 3.0], [0.2, 0.4]) == (after.durations, after.first_tokens)
    assert (ErrorReason.PROVIDER_UNAVAILABLE, 1000.0) == (after.error_reason, after.error_at)
    assert 1000.0 == after.answered_at
    assert after.view.known


def test_in_flight() -> None:
    """An attempt that has begun is seen before it ends."""
    scene = Scene()
    scene.vitals.read()
    scene.board.began(M)
    [begun] = scene.vitals.read()

    assert (1, False) == (begun.view.in_flight, begun.view.known)


def test_the_view_is_that_of_routing() -> None:
    """Health is read off the same numbers that plans are made from."""
    scene = Scene()
    scene.answer(3.0, 0.4)
    scene.fail(BUSY)
    scene.at += 0.2
    [read] = scene.vitals.read()
    [planned] = scene.board.views([read.view.candidate])

    assert planned == read.view


def test_reading_moves_no_circuit() -> None:
    """An opening that is over reads as half-open, but stays open until somebody plans."""
    scene = Scene()
    told: list[ModelRef] = []
    scene.fail(count=5)
    scene.board.changed.append(told.append)
    [opened] = scene.vitals.read()
    scene.at += 6.1
    [half_open] = scene.vitals.read()

    assert (Circuit.OPEN, Circuit.HALF_OPEN) == (opened.view.circuit, half_open.view.circuit)
    assert Circuit.OPEN is scene.board.entry(M).breaker.circuit
    assert [] == told


def test_nothing_happened() -> None:
    """The very same is read again while nothing happens and nothing fades or ends."""
    scene = Scene()
    scene.answer(1.0)
    first = scene.vitals.read()
    scene.at += 0.99
    second = scene.vitals.read()
    scene.at += 0.01
    third = scene.vitals.read()

    assert first is second
    assert first is not third
    assert third[0].successes < 1.0


def test_an_end_is_seen_in_time() -> None:
    """A cooldown that ends is seen at its end, however short it was."""
    scene = Scene()
    scene.fail(ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "no", retry_after_s=0.3))
    first = scene.vitals.read()
    until = first[0].view.quota_until
    scene.at = until - 0.001
    before = scene.vitals.read()
    scene.at = until

    assert first is before
    assert first is not scene.vitals.read()


def test_who_is_told_of() -> None:
    """Those heard of within five minutes, and those that may not be asked now; nobody else."""
    scene = Scene()
    closed, shut = ModelRef("one", "closed"), ModelRef("one", "shut")
    scene.attempt(Ended(0.1), closed)
    for _ in range(5):
        scene.attempt(Ended(0.1, DOWN), shut)
    scene.at += 299.0
    late = [one.target for one in scene.vitals.read()]
    scene.at += 1.0
    later = [one.target for one in scene.vitals.read()]

    assert [closed, shut] == late
    assert [shut] == later


def test_old_samples() -> None:
    """Latencies of more than ten minutes ago are not of late, though nothing was asked since."""
    scene = Scene()
    scene.answer(9.0, 0.9)
    scene.at += 590.0
    scene.answer(1.0, 0.1)
    [both] = scene.vitals.read()
    scene.at += 10.1
    [late] = scene.vitals.read()

    assert [1.0, 9.0] == both.durations
    assert ([1.0], [0.1]) == (late.durations, late.first_tokens)


def test_a_board_that_forgot() -> None:
    """A candidate that was forgotten and came back has nothing of its former life."""
    scene = Scene()
    scene.answer(9.0)
    scene.vitals.read()
    scene.board.forget()
    scene.answer(1.0)
    [read] = scene.vitals.read()

    assert [1.0] == read.durations
    assert pytest.approx(1.0) == read.successes

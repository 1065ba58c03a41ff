"""How a circuit comes back: the opening ends, one attempt is the trial, and traffic grows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain.breaker import Circuit, Trip
from tests.unit.pipeline.boards import ENDINGS, A, B, Scene


@pytest.mark.parametrize(
    ("name", "circuit"),
    [
        ("answered", Circuit.CLOSED),
        ("whole", Circuit.CLOSED),
        ("counted", Circuit.CLOSED),
        ("no", Circuit.HALF_OPEN),
        ("long", Circuit.HALF_OPEN),
        ("down", Circuit.OPEN),
        ("silent", Circuit.OPEN),
        ("overdue", Circuit.OPEN),
        ("overloaded", Circuit.OPEN),
        ("left", Circuit.HALF_OPEN),
        ("estimated", Circuit.HALF_OPEN),
        ("busy", Circuit.HALF_OPEN),
        ("spent", Circuit.HALF_OPEN),
        ("lacks it", Circuit.HALF_OPEN),
    ],
)
def test_a_trial(name: str, circuit: Circuit) -> None:
    """A trial that was answered closes the circuit, a fault opens it; any other frees the trial."""
    scene = Scene()
    scene.half_open()
    start = scene.board.began(A)
    during = scene.view()
    scene.board.ended(A, replace(ENDINGS[name], start=start))
    after = scene.view()

    assert (Circuit.HALF_OPEN, True) == (during.circuit, during.trial)
    assert (circuit, False) == (after.circuit, after.trial)


def test_every_ending_of_a_trial_is_tested() -> None:
    """No way to end is missing from the table above."""
    table = next(mark for mark in test_a_trial.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]

    assert set(ENDINGS) == {name for name, _ in table.args[1]}


@pytest.mark.parametrize("name", ["left", "down", "answered"])
def test_a_second_one_is_no_trial(name: str) -> None:
    """Of two attempts in a half-open circuit the first is the trial; the other decides nothing."""
    scene = Scene()
    scene.half_open()
    starts = [scene.board.began(A), scene.board.began(A)]

    scene.board.ended(A, replace(ENDINGS[name], start=starts[1]))

    assert [True, False] == [start.trial for start in starts]
    assert (Circuit.HALF_OPEN, True) == (scene.view().circuit, scene.view().trial)


@pytest.mark.parametrize("name", ["left", "busy", "lacks it"])
def test_a_late_leaver_frees_no_trial(name: str) -> None:
    """An attempt from before the opening that tells nothing does not end another one's trial."""
    scene = Scene()
    scene.board.began(A)
    scene.half_open()
    scene.board.began(A)

    scene.board.ended(A, ENDINGS[name])

    assert scene.view().trial


@pytest.mark.parametrize("name", ["down", "silent", "answered"])
def test_a_late_ending_is_no_verdict(name: str) -> None:
    """How an attempt from before the opening ends does not decide for the trial."""
    scene = Scene()
    scene.board.began(A)
    scene.half_open()

    scene.board.ended(A, ENDINGS[name])

    assert Circuit.HALF_OPEN is scene.view().circuit


def test_time_ends_an_opening() -> None:
    """Whoever looks after its end finds the circuit half-open; until then it is open."""
    scene = Scene()
    until = scene.fail()
    scene.clock.now = until - 0.001
    before = scene.view()
    scene.clock.now = until
    after = scene.view()

    assert (Circuit.OPEN, until, Trip.IN_A_ROW) == (
        before.circuit,
        before.circuit_until,
        before.trip,
    )
    assert (Circuit.HALF_OPEN, False) == (after.circuit, after.trial)


def test_slow_start_is_seen() -> None:
    """A view tells how far a candidate is in its slow start."""
    scene = Scene()
    scene.half_open()
    scene.attempt()
    ramps: list[float] = []
    for _ in range(3):
        ramps.append(scene.view().ramp)
        scene.clock.now += 5.0

    assert pytest.approx([0.1, 0.55, 1.0]) == ramps


def test_word_from_elsewhere() -> None:
    """A circuit that is closed opens on word from elsewhere; any other keeps its own mind."""
    scene = Scene()
    until = scene.fail(B)
    scene.board.open_circuit(A, Trip.PEER)
    scene.board.open_circuit(B, Trip.PEER)

    assert (Circuit.OPEN, Trip.PEER) == (scene.view(A).circuit, scene.view(A).trip)
    assert (until, Trip.IN_A_ROW) == (scene.view(B).circuit_until, scene.view(B).trip)

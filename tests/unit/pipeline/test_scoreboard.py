"""The bookkeeping of attempts: what is in flight, who is told, who is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Circuit
from service.domain.provider import ModelRef
from service.domain.scoring import View
from service.pipeline import scoreboard
from service.pipeline.ended import Ended, Start
from tests.unit.pipeline.boards import (
    BUSY,
    DOWN,
    ENDINGS,
    ESTIMATED,
    LEFT,
    A,
    B,
    C,
    Scene,
)

endings = st.sampled_from(list(ENDINGS.values()))
lives = st.lists(
    st.tuples(
        st.sampled_from((A, B, C)), st.booleans(), endings, st.sampled_from([0.0, 0.2, 3.0, 70.0])
    ),
    max_size=60,
)


@given(lives)
def test_in_flight(life: list[tuple[ModelRef, bool, Ended, float]]) -> None:
    """As many are in flight as have not ended, however they end, and one at most is on trial."""
    scene = Scene()
    pending: dict[ModelRef, list[Start]] = {A: [], B: [], C: []}
    for target, begins, how, seconds in life:
        scene.clock.now += seconds
        if begins or not pending[target]:
            pending[target].append(scene.board.began(target))
        else:
            scene.board.ended(target, replace(how, start=pending[target].pop(0)))

        for place, starts in pending.items():
            view = scene.view(place)
            trials = sum(start.trial for start in starts)
            assert len(starts) == view.in_flight
            assert view.trial == bool(trials)
            assert trials <= (view.circuit is Circuit.HALF_OPEN)
            assert 0.0 < view.quality < 1.0
            assert view.limit >= 1.0
    for target, starts in pending.items():
        for start in starts:
            scene.board.ended(target, replace(LEFT, start=start))
        assert (0, False) == (scene.view(target).in_flight, scene.view(target).trial)


def test_who_is_told_of_circuits() -> None:
    """Every change of a circuit is told once, with its candidate, and nothing else is."""
    scene = Scene()
    told: list[ModelRef] = []
    scene.board.changed.append(told.append)
    counts: list[int] = []
    for step in (
        lambda: scene.attempt(Ended(0.5, DOWN), times=4),
        lambda: scene.attempt(Ended(0.5, DOWN)),
        lambda: scene.attempt(Ended(0.5, DOWN)),
        lambda: setattr(scene.clock, "now", 2000.0),
        scene.view,
        scene.view,
        lambda: scene.attempt(ESTIMATED),
        scene.attempt,
        scene.attempt,
        lambda: scene.attempt(Ended(0.5, BUSY)),
    ):
        step()
        counts.append(len(told))

    assert [0, 1, 1, 1, 2, 2, 2, 3, 3, 3] == counts
    assert {A} == set(told)


def test_who_is_told_of_room() -> None:
    """Where a limit is known, each attempt that ends is told, and each place given back."""
    scene = Scene()
    freed: list[ModelRef] = []
    scene.board.freed.append(freed.append)
    scene.attempt()
    scene.attempt(target=B)
    nobody = list(freed)
    scene.attempt(Ended(0.5, BUSY))
    learned = list(freed)
    scene.attempt(LEFT)
    scene.attempt(Ended(0.5, BUSY))
    scene.board.reserve(A)
    scene.board.unreserve(A)

    assert [] == nobody == learned
    assert [A, A, A] == freed


def test_room() -> None:
    """Places in flight and promised ones count against the limit; without a limit there is room."""
    scene = Scene()
    for _ in range(5):
        scene.board.began(A)
    unlimited = scene.board.has_room(A)
    scene.board.ended(A, Ended(0.1, BUSY))
    full = scene.board.has_room(A)
    scene.board.ended(A, LEFT)
    room = scene.board.has_room(A)
    scene.board.reserve(A)
    promised = scene.board.has_room(A)
    scene.board.began(A, reserved=True)

    assert (True, False, True, False) == (unlimited, full, room, promised)
    assert (4, 0) == (scene.entry().in_flight, scene.entry().reserved)
    assert scene.board.has_room(B)


def test_a_stranger() -> None:
    """Of whom nothing is known, a view is all defaults; looking remembers nobody."""
    scene = Scene()

    assert View(scene.view().candidate) == scene.view()
    assert scene.board.peek(A) is None
    assert "<Scoreboard empty>" == repr(scene.board)
    scene.board.entry(A)
    assert View(scene.view().candidate) == scene.view()


@pytest.mark.parametrize("now", [0.0, 1.0, 1e9])
def test_a_stranger_at_any_time(now: float) -> None:
    """Whoever was never asked is unknown, also when the clock has only just begun."""
    scene = Scene(now)
    scene.board.entry(A)

    assert not scene.view().known


@pytest.mark.parametrize(("later_s", "known"), [(0.0, True), (299.9, True), (300.0, False)])
def test_known_for_five_minutes(later_s: float, known: bool) -> None:
    """Whoever was asked within five minutes is known."""
    scene = Scene()
    scene.attempt()
    scene.clock.now += later_s

    assert known is scene.view().known


def test_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was asked longest ago is forgotten first, but nobody with an attempt in flight."""
    monkeypatch.setattr(scoreboard, "ENTRIES_MAX", 4)
    scene = Scene()
    busy, promised, old, used = (
        ModelRef("p", name) for name in ("busy", "promised", "old", "used")
    )
    scene.board.began(busy)
    scene.board.reserve(promised)
    scene.attempt(target=old)
    scene.attempt(target=used)
    scene.attempt(target=old)
    for number in range(50):
        scene.attempt(target=ModelRef("p", str(number)))

        assert len(list(scene.board.known())) <= 4
        assert (number == 0) == (scene.board.peek(old) is not None)

    assert 1 == scene.entry(busy).in_flight
    assert 1 == scene.entry(promised).reserved
    assert scene.board.peek(used) is None


def test_forgetting_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everybody has attempts in flight, nobody is forgotten, and the newcomer not either."""
    monkeypatch.setattr(scoreboard, "ENTRIES_MAX", 2)
    scene = Scene()
    for target in (A, B, C):
        scene.board.began(target)

    assert [1, 1, 1] == [scene.entry(target).in_flight for target in (A, B, C)]


def test_a_line() -> None:
    """A board reads as one line."""
    scene = Scene()
    scene.attempt()

    assert (
        "<Scoreboard a/m <Entry <Breaker closed, 0 faults in a row>"
        " <Stats 1.0+ 0.0- first 200 ms token 10.0 ms> <Limit none> 0 in flight>>"
        == repr(scene.board)
    )

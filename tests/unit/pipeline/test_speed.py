"""How fast a candidate is thought to be, from how its attempts went."""

from __future__ import annotations

import pytest

from service.pipeline.ended import Ended
from tests.unit.pipeline.boards import ENDINGS, SILENT, Scene, after


def test_speed_of_a_stream() -> None:
    """From a stream both speeds are learned: the tokens after the first share the time after it."""
    stats = after("answered").stats

    assert (0.2, pytest.approx(0.01)) == (stats.first_token_s, stats.token_s)


def test_speed_of_two_tokens() -> None:
    """The second of two tokens took all of the time after the first."""
    scene = Scene()
    scene.attempt(Ended(1.0, first_token_s=0.2, spoken_s=0.8, output_tokens=2))

    assert 0.8 == scene.entry().stats.token_s
    assert [(1000.0, 1.0)] == list(scene.entry().durations)


@pytest.mark.parametrize("output_tokens", [0, 1])
def test_speed_of_a_word(output_tokens: int) -> None:
    """An answer of one token, or of nobody knows how many, says nothing of the time for each."""
    scene = Scene()
    scene.attempt(Ended(1.0, first_token_s=0.2, spoken_s=0.8, output_tokens=output_tokens))

    assert (0.2, None) == (scene.entry().stats.first_token_s, scene.entry().stats.token_s)


def test_speed_of_a_whole_answer() -> None:
    """A whole answer tells how long one of its length takes."""
    view = Scene()
    view.attempt(ENDINGS["whole"])
    seen = view.view()

    assert pytest.approx(1.0) == seen.first_token_s + 100 * seen.token_s
    assert view.entry().first_token_p95_s is None


@pytest.mark.parametrize("name", ["counted", "estimated", "down", "no", "busy", "left", "lacks it"])
def test_what_says_nothing_of_speed(name: str) -> None:
    """A count, a refusal or a quick failure says nothing of how fast answers come."""
    entry = after(name)

    assert (None, None) == (entry.stats.first_token_s, entry.stats.token_s)
    assert [] == list(entry.durations)


@pytest.mark.parametrize("how", [Ended(9.0, SILENT), Ended(9.0, SILENT, left=True)])
def test_silence_is_slow(how: Ended) -> None:
    """An attempt that was given up in silence would have taken at least as long."""
    scene = Scene()
    scene.attempt()
    scene.attempt(how)

    assert 9.0 == scene.view().first_token_s


def test_silence_later_on() -> None:
    """A stream that falls silent in the middle says nothing of the first token."""
    scene = Scene()
    scene.attempt()
    scene.attempt(Ended(9.0, SILENT, first_token_s=0.2))

    assert 0.2 == scene.view().first_token_s


@pytest.mark.parametrize(
    ("known", "how", "expected"),
    [
        (True, Ended(5.0, left=True), 5.0),
        (True, Ended(0.1, left=True), 0.2),
        (True, Ended(5.0, left=True, first_token_s=0.3), 0.2),
        (False, Ended(5.0, left=True), 0.6),
    ],
)
def test_a_caller_who_left(known: bool, how: Ended, expected: float) -> None:
    """Whoever is silent for longer than usual when the caller leaves is slower than was thought."""
    scene = Scene()
    if known:
        scene.attempt()
    scene.attempt(how)

    assert expected == scene.view().first_token_s


def test_what_is_usual() -> None:
    """The 95th percentile is of the last 64 first tokens, the floor of 16 at least."""
    scene = Scene()
    floors: list[float] = []
    for number in range(1, 101):
        scene.attempt(Ended(1.0, first_token_s=number / 100, output_tokens=2))
        floors.append(scene.view().floor_s)

    # The samples left are 0.37 to 1.00 s.
    assert pytest.approx(0.97) == scene.entry().first_token_p95_s
    assert [0.0] * 15 + [0.01] * 49 == floors[:64]
    assert pytest.approx(0.37) == floors[-1]


def test_old_samples_go() -> None:
    """First tokens of more than ten minutes ago are no part of what is usual."""
    scene = Scene()
    scene.attempt(Ended(9.0, first_token_s=9.0, output_tokens=2), times=20)
    scene.clock.now += 600.1
    scene.attempt()

    assert (0.2, 0.0) == (scene.entry().first_token_p95_s, scene.view().floor_s)


def test_a_floor_does_not_outlive_its_samples() -> None:
    """Without samples of late there is no floor: a slow hour shuts nobody out for ever."""
    scene = Scene()
    scene.attempt(Ended(9.0, first_token_s=9.0, output_tokens=2), times=20)
    scene.clock.now += 3600.0

    assert 0.0 == scene.view().floor_s

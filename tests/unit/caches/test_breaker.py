"""When a node of Redis is left alone, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.caches.breaker import (
    ALONE_MAX_S,
    FAILED_MAX,
    FORGIVEN_AFTER_S,
    LATE_MAX,
    Breaker,
    State,
    worst,
)

Fault = Callable[[Breaker, float, float], None]
NEVER = 1e9


def late(breaker: Breaker, began_at: float, now: float) -> None:
    breaker.late(began_at, now)


def failed(breaker: Breaker, began_at: float, now: float) -> None:
    breaker.failed(began_at, now, "TimeoutError")


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    breaker.failed(at, at, "ConnectionError", nobody=True)
    return breaker


@pytest.mark.parametrize(
    ("fault", "most", "state"),
    [(late, LATE_MAX, State.SLOW), (failed, FAILED_MAX, State.FAILING)],
)
def test_several_in_a_row(fault: Fault, most: int, state: State) -> None:
    """So many in a row leave it alone, and one less does not."""
    breaker = Breaker()
    for number in range(most - 1):
        fault(breaker, number, number + 0.5)
    before = breaker.state
    fault(breaker, most, most + 0.5)

    assert State.OK is before
    assert state is breaker.state


@pytest.mark.parametrize(("fault", "most"), [(late, LATE_MAX), (failed, FAILED_MAX)])
def test_one_in_time_ends_a_row(fault: Fault, most: int) -> None:
    """Whatever came before one that was in time does not count."""
    breaker = Breaker()
    for number in range(10 * most):
        if number % (most - 1) == 0:
            breaker.in_time()
        fault(breaker, number, number + 0.5)

    assert State.OK is breaker.state


def nonsense(breaker: Breaker, began_at: float, now: float) -> None:
    breaker.nonsense(began_at, now, "NonsenseError")


def test_nonsense() -> None:
    """Three times nonsense, and nothing sensible between, leaves it alone."""
    breaker = Breaker()
    for number in range(FAILED_MAX - 1):
        nonsense(breaker, number, number + 0.5)
    before, doubtful = breaker.state, breaker.is_doubtful
    nonsense(breaker, FAILED_MAX, FAILED_MAX + 0.5)

    assert (State.OK, False) == (before, doubtful)
    assert (State.FAILING, "NonsenseError") == (breaker.state, breaker.problem)


@pytest.mark.parametrize("sensible", [Breaker.sensible, Breaker.in_time])
def test_nonsense_now_and_then(sensible: Callable[[Breaker], None]) -> None:
    """As long as something sensible is said in between it is a Redis."""
    breaker = Breaker()
    for number in range(10 * FAILED_MAX):
        if number % (FAILED_MAX - 1) == 0:
            sensible(breaker)
        nonsense(breaker, number, number + 0.5)

    assert State.OK is breaker.state


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50),
    st.sampled_from([late, failed, nonsense]),
)
def test_a_hiccup_counts_once(began: list[float], fault: Fault) -> None:
    """However many were under way when the first of them was late or failed: it is one fault."""
    breaker = Breaker()
    for began_at in began:
        fault(breaker, began_at, 2.0)

    assert State.OK is breaker.state


def test_nobody_there() -> None:
    """Where there is no server, one failure is enough, and its kind is the problem."""
    breaker = opened()

    assert State.FAILING is breaker.state
    assert "ConnectionError" == breaker.problem


def test_trials_that_fail_come_less_often() -> None:
    """A trial is due after 1 s, then 2, 4 and 8 s, and never less often."""
    breaker, now, gaps = opened(), 0.0, list[float]()
    for _ in range(6):
        began_at = now
        while not breaker.trial_is_due(now):
            now += 0.125
        gaps.append(now - began_at)
        breaker.trial_begins()
        breaker.trial_failed(now, "TimeoutError")

    assert [1.0, 2.0, 4.0, ALONE_MAX_S, ALONE_MAX_S, ALONE_MAX_S] == gaps


def test_a_trial_that_passes() -> None:
    """After it all is well, and what began before it says nothing any more."""
    breaker = opened()
    breaker.trial_begins()
    during = breaker.trial_is_due(NEVER)
    breaker.trial_passed(2.0)
    for _ in range(FAILED_MAX):
        failed(breaker, 1.9, 2.1)

    assert not during
    assert State.OK is breaker.state
    assert not breaker.trial_is_due(NEVER)


def test_a_trial_that_is_late() -> None:
    """One that is answered, but too late, leaves it alone as slow."""
    breaker = opened()
    breaker.trial_begins()
    breaker.trial_late(1.0)

    assert State.SLOW is breaker.state
    assert not breaker.trial_is_due(2.9)
    assert breaker.trial_is_due(3.0)


@pytest.mark.parametrize(("after_s", "alone_s"), [(1.0, 2.0), (FORGIVEN_AFTER_S, 1.0)])
def test_flapping(after_s: float, alone_s: float) -> None:
    """What fails again soon after it was well is left alone for longer; later it is forgiven."""
    breaker = opened()
    breaker.trial_begins()
    breaker.trial_passed(1.0)
    again_at = 1.0 + after_s
    breaker.failed(again_at, again_at, "ConnectionError", nobody=True)

    assert not breaker.trial_is_due(again_at + alone_s - 0.01)
    assert breaker.trial_is_due(again_at + alone_s)


def test_a_change_is_tried_at_once() -> None:
    """Where something has changed nobody waits for the next trial."""
    breaker = opened()
    breaker.hurry()

    assert breaker.trial_is_due(0.01)


def test_nothing_more_while_it_is_left_alone() -> None:
    """What comes in late from before changes nothing."""
    breaker = opened()
    shown = repr(breaker)
    breaker.in_time()
    late(breaker, 0.5, 0.6)
    failed(breaker, 0.5, 0.6)

    assert shown == repr(breaker)


def test_the_worst() -> None:
    """Of several the worst counts; of none all is well."""
    assert State.FAILING is worst([State.OK, State.FAILING, State.SLOW])
    assert State.OK is worst([])

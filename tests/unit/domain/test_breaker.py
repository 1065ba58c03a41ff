"""When a circuit opens and closes: the table at the top of `breaker.py`, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import breaker as circuit
from service.domain.breaker import Breaker, Circuit, Trip, at, faulted, ramp, succeeded

NO_JITTER = 0.5
AT = 100.0
draws = st.floats(0, 1, exclude_max=True)
HALF_OPEN = Breaker(Circuit.HALF_OPEN, openings=1, trip=Trip.SHARE)


def after(ends: str, now: float = AT, breaker: Breaker = Breaker()) -> Breaker:
    """After attempts that all end `now`: `+` was answered, `-` was a fault."""
    for end in ends:
        answered = end == "+"
        breaker = succeeded(breaker, now) if answered else faulted(breaker, now, NO_JITTER)
    return breaker


def opened(openings: int, draw: float = NO_JITTER) -> Breaker:
    """The opening after so many in a row, the last of which has only just ended."""
    breaker = Breaker(openings=openings, closed_at=AT)
    return circuit.opened(breaker, AT, draw, Trip.IN_A_ROW)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("----", Circuit.CLOSED),
        ("-----", Circuit.OPEN),
        ("----+----", Circuit.CLOSED),
        ("+-+-+-+-+-", Circuit.OPEN),
        ("-+-+-+-+-", Circuit.CLOSED),
        ("+++-+-+-+-", Circuit.CLOSED),
        ("+++++----+-", Circuit.CLOSED),
        ("+++++----+--", Circuit.OPEN),
    ],
)
def test_too_many(ends: str, expected: Circuit) -> None:
    """Five faults in a row open a circuit, and half of at least ten attempts; fewer do not."""
    assert expected is after(ends).circuit


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((101, 102, 103, 104, 105), Circuit.OPEN),
        ((105, 103, 101, 104, 102), Circuit.OPEN),
        ((101, 102, 104, 105, 106), Circuit.OPEN),
        ((101, 103, 105, 107, 109), Circuit.CLOSED),
    ],
)
def test_in_a_row_is_by_beginning(numbers: tuple[int, ...], expected: Circuit) -> None:
    """Five faults are in a row if a fifth at most of those that began between is under way."""
    breaker = after("+" * 50)
    for number in numbers:
        breaker = faulted(breaker, AT, NO_JITTER, number, 50)

    assert expected is breaker.circuit


@pytest.mark.parametrize(("number", "expected"), [(100, Circuit.OPEN), (102, Circuit.CLOSED)])
def test_an_answer_that_began_before_the_faults(number: int, expected: Circuit) -> None:
    """An answer ends a row of faults, unless it was under way when they began."""
    breaker = after("+" * 50)
    for fault in (101, 103, 104, 105):
        breaker = faulted(breaker, AT, NO_JITTER, fault, 50)
    breaker = succeeded(breaker, AT, number)

    assert expected is faulted(breaker, AT, NO_JITTER, 106, 50).circuit


def test_those_under_way_may_be_answered() -> None:
    """Where most are under way still, half of those that ended is not half of all that began."""
    breaker = after("-+-+-+-+-+")

    assert Circuit.CLOSED is faulted(breaker, AT, NO_JITTER, 12, 13).circuit
    assert Circuit.OPEN is faulted(breaker, AT, NO_JITTER, 12, 12).circuit


def test_what_began_before_the_window_is_not_waited_for() -> None:
    """Long answers that began long ago do not hide that most of the window's attempts fail."""
    breaker = Breaker()
    for number in range(901, 910):
        ends = succeeded if number % 2 else partial(faulted, draw=NO_JITTER)
        breaker = ends(breaker, AT, number=number, begun_count=number)

    assert Circuit.OPEN is faulted(breaker, AT, NO_JITTER, 910, 910).circuit


def test_an_old_stream_that_breaks_is_in_no_row() -> None:
    """A fault of an attempt that began long before the last answered one hides no outage."""
    breaker = Breaker()
    for number in range(2, 60):
        breaker = succeeded(breaker, AT, number, number)
    for number in (1, 60, 61, 62, 63, 64):
        breaker = faulted(breaker, AT, NO_JITTER, number, max(number, 60))

    assert Circuit.OPEN is breaker.circuit


def test_faults_from_before_an_opening() -> None:
    """Once a trial has been answered, what began before it tells nothing."""
    closed = succeeded(circuit.asked(HALF_OPEN), AT, 30, 30)
    late = closed
    for number in range(1, 26):
        late = faulted(late, AT, NO_JITTER, number, 31)

    assert closed is late


def test_one_that_fails_at_times_anyway() -> None:
    """Where three of ten fail as a rule, it takes ten in a row."""
    breaker = after("+++++++---" * 20 + "+")

    assert Circuit.CLOSED is after("-" * 9, AT, breaker).circuit
    assert Circuit.OPEN is after("-" * 10, AT, breaker).circuit


def test_why_it_opened() -> None:
    """A circuit says whether it looked like an outage, or still answered at times."""
    assert Trip.IN_A_ROW is after("-----").trip
    assert Trip.SHARE is after("+-+-+-+-+-").trip


def test_a_first_opening() -> None:
    """A circuit that was never open opens for 5 s."""
    assert (105.0, 1) == (after("-----").open_until, after("-----").openings)


@given(st.lists(st.booleans(), max_size=60))
def test_the_rule(ends: list[bool]) -> None:
    """A closed circuit opens at the fault that completes too many in a row, or half of ten.

    Too many are as many as have a chance of 1 in 100,000, at least five.
    """
    breaker, in_a_row, faults = Breaker(), 0, 0
    for total, answered in enumerate(ends, start=1):
        in_a_row, faults = (0, faults) if answered else (in_a_row + 1, faults + 1)
        breaker = succeeded(breaker, AT) if answered else faulted(breaker, AT, NO_JITTER)
        usual = (1 + faults - in_a_row) / (10 + total - in_a_row)
        unlikely = usual**in_a_row <= 1e-5 * (1 + 1e-9) or in_a_row >= 20
        too_many = (in_a_row >= 5 and unlikely) or (total >= 10 and 2 * faults >= total)
        if not answered and too_many:
            break
        assert Circuit.CLOSED is breaker.circuit
    else:
        return

    assert Circuit.OPEN is breaker.circuit


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0.0, 29.9, Circuit.OPEN),
        (9.9, 29.9, Circuit.OPEN),
        (0.0, 30.0, Circuit.CLOSED),
        (9.9, 40.0, Circuit.CLOSED),
    ],
)
def test_the_window(first: float, last: float, expected: Circuit) -> None:
    """Attempts of the last 20 s always count; those of 30 s ago never do."""
    breaker = after("+-+-+-+-+", first)

    assert expected is after("-", last, breaker).circuit


def test_the_window_holds_three_parts() -> None:
    """What lies between two attempts of the window counts as well."""
    breaker = after("+-+", 5.0)
    breaker = after("-+-", 15.0, breaker)

    assert Circuit.OPEN is after("+-+-", 25.0, breaker).circuit


def test_time_ends_an_opening() -> None:
    """An open circuit is half-open from `open_until` on, no sooner, with nobody on trial."""
    breaker = opened(0)

    assert breaker is at(breaker, 104.999)
    assert Circuit.HALF_OPEN is at(breaker, 105.0).circuit
    assert not at(breaker, 105.0).trial


def test_what_ends_late() -> None:
    """In an open circuit, attempts that began before tell nothing: it stays open as long."""
    breaker = opened(0)

    late = succeeded(breaker, AT + 1)

    assert (Circuit.OPEN, breaker.open_until) == (late.circuit, late.open_until)
    assert breaker is faulted(breaker, AT + 1, NO_JITTER)


def test_a_trial_that_is_answered() -> None:
    """An answer closes a half-open circuit; nothing of before the opening counts any more."""
    breaker = succeeded(circuit.asked(HALF_OPEN), AT)

    assert Breaker(openings=1, closed_at=AT) == breaker
    assert Circuit.CLOSED is after("----", AT + 1, breaker).circuit


def test_a_trial_that_fails() -> None:
    """A fault opens a half-open circuit again, for twice as long, for the same reason."""
    breaker = faulted(circuit.asked(HALF_OPEN), AT, NO_JITTER)

    assert (Circuit.OPEN, Trip.SHARE) == (breaker.circuit, breaker.trip)
    assert (AT + 10.0, 2, False) == (breaker.open_until, breaker.openings, breaker.trial)


@pytest.mark.parametrize("trip", [None, Trip.PEER, Trip.IN_A_ROW])
def test_a_trial_that_looks_like_an_outage(trip: Trip | None) -> None:
    """What others said ends with a trial that fails: then it is an outage of one's own."""
    assert Trip.IN_A_ROW is faulted(Breaker(Circuit.HALF_OPEN, trip=trip), AT, NO_JITTER).trip


def test_trials() -> None:
    """Only an attempt in a half-open circuit is a trial; one that tells nothing frees it."""
    trial = circuit.asked(HALF_OPEN)

    assert trial.trial
    assert HALF_OPEN == circuit.abandoned(trial)
    for other in (Breaker(), opened(0)):
        assert other is circuit.asked(other)
        assert other is circuit.abandoned(other)


@pytest.mark.parametrize(
    ("openings", "wait_s"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (5, 60), (1000, 60)]
)
def test_openings_double(openings: int, wait_s: float) -> None:
    """Each opening in a row lasts twice as long as the one before, at most a minute."""
    assert AT + wait_s == opened(openings).open_until


@given(st.integers(0, 20), draws)
def test_jitter(openings: int, draw: float) -> None:
    """Jitter moves the end of an opening by a fifth at most, from 0.8 at 0 to 1.2 near 1."""
    usual_s = opened(openings).open_until - AT

    wait_s = opened(openings, draw).open_until - AT

    assert pytest.approx(usual_s * (0.8 + 0.4 * draw)) == wait_s


def test_openings_are_counted_with_a_bound() -> None:
    """A provider that is down for ever never overflows the count."""
    breaker = Breaker()
    for _ in range(100):
        breaker = circuit.opened(breaker, AT, NO_JITTER, Trip.PEER)

    assert (16, AT + 60.0, Trip.PEER) == (breaker.openings, breaker.open_until, breaker.trip)


def _reopened(closed_s: Iterable[float]) -> float:
    """How long the next opening lasts when a closed circuit is answered after each `closed_s`."""
    breaker = Breaker(openings=1, closed_at=AT)
    for age_s in closed_s:
        breaker = succeeded(breaker, AT + age_s)
    breaker = after("-----", AT + 200.0, breaker)
    return breaker.open_until - (AT + 200.0)


@pytest.mark.parametrize(("closed_s", "wait_s"), [((60.0,), 5.0), ((1.0, 60.0, 90.0), 5.0)])
def test_forgiven(closed_s: tuple[float, ...], wait_s: float) -> None:
    """After a minute of answers the next opening is a first one again."""
    assert wait_s == _reopened(closed_s)


@pytest.mark.parametrize("age_s", [0.0, 1.0, 59.9])
def test_not_forgiven_yet(age_s: float) -> None:
    """Within a minute of its closing, an opening follows on the one before."""
    breaker = succeeded(Breaker(openings=1, closed_at=AT), AT + age_s)

    breaker = after("-----", AT + age_s, breaker)

    assert pytest.approx(AT + age_s + 10.0) == breaker.open_until


def test_forgiven_without_an_answer() -> None:
    """Closed for a minute is closed for a minute, whether anybody asked or not."""
    assert 5.0 == _reopened(())


def test_slow_start() -> None:
    """From its closing on, a candidate's share of its usual traffic rises from 0.1 to 1 in 10 s."""
    breaker = Breaker(closed_at=AT)

    shares = [ramp(breaker, AT + age_s) for age_s in (-1.0, 0.0, 5.0, 10.0, 1000.0)]

    assert pytest.approx([0.1, 0.1, 0.55, 1.0, 1.0]) == shares
    assert 1.0 == ramp(Breaker(), AT)


@given(st.floats(0, 20), st.floats(0, 20))
def test_slow_start_never_falls(one_s: float, other_s: float) -> None:
    """The share never falls with time."""
    breaker = Breaker(closed_at=0.0)

    assert ramp(breaker, min(one_s, other_s)) <= ramp(breaker, max(one_s, other_s))


@pytest.mark.parametrize(
    ("breaker", "expected"),
    [
        (after("--"), "<Breaker closed, 2 faults in a row>"),
        (opened(1), "<Breaker open until 110.0, opening 2>"),
        (HALF_OPEN, "<Breaker half-open>"),
        (circuit.asked(HALF_OPEN), "<Breaker half-open, on trial>"),
    ],
)
def test_a_line(breaker: Breaker, expected: str) -> None:
    """A breaker reads as one line."""
    assert expected == repr(breaker)

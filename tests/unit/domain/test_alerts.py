"""The table of `service/domain/alerts.py`, and what holds of any course of readings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.alert_rules import ALL, By, ErrorRate, Holding, Limits, Rule, Subject
from service.domain.alerts import (
    CALM,
    FORGOTTEN_AFTER_S,
    RESOLVED_MAX,
    Book,
    Reading,
    Standing,
    State,
    Verdict,
    Why,
    step,
    verdict,
)

LIMITS = Limits(0.2, 0.1)
WORSE, BETWEEN, BETTER = (Reading(value, LIMITS) for value in (0.2, 0.15, 0.1))
HOLDING = Holding(60.0, 120.0)
STEP_S = 15.0


def rule(name: str = "errors", holding: Holding = HOLDING, limits: Limits = LIMITS) -> Rule:
    return ErrorRate(name, limits, holding)


INSTANT = rule(holding=Holding(0.0, 0.0))


def after(*readings: Reading | None, standing: Standing = CALM) -> Standing:
    """A step every 15 s."""
    for reading in readings:
        standing = step(standing, reading, HOLDING, STEP_S)
    return standing


PENDING = after(WORSE, WORSE)
FIRING = after(*[WORSE] * 5)


@pytest.mark.parametrize(
    ("value", "limits", "expected"),
    [
        (0.2, LIMITS, Verdict.WORSE),
        (0.1999, LIMITS, Verdict.BETWEEN),
        (0.1, LIMITS, Verdict.BETTER),
        (0.5, Limits(0.5, 0.75), Verdict.WORSE),
        (0.6, Limits(0.5, 0.75), Verdict.BETWEEN),
        (0.75, Limits(0.5, 0.75), Verdict.BETTER),
    ],
)
def test_verdicts(value: float, limits: Limits, expected: Verdict) -> None:
    """A limit that is met counts; where the first is the smaller one, less is worse."""
    assert expected is verdict(Reading(value, limits))


@pytest.mark.parametrize(
    ("before", "reading", "expected", "held_s"),
    [
        (CALM, WORSE, State.PENDING, 0.0),
        (CALM, BETWEEN, State.CALM, 0.0),
        (CALM, BETTER, State.CALM, 0.0),
        (CALM, None, State.CALM, 0.0),
        (PENDING, WORSE, State.PENDING, 30.0),
        (after(*[WORSE] * 4), WORSE, State.FIRING, 0.0),
        (PENDING, BETWEEN, State.CALM, 0.0),
        (PENDING, BETTER, State.CALM, 0.0),
        (PENDING, None, State.PENDING, 15.0),
        (FIRING, WORSE, State.FIRING, 0.0),
        (after(BETTER, BETTER, standing=FIRING), WORSE, State.FIRING, 0.0),
        (after(BETTER, BETTER, standing=FIRING), BETWEEN, State.FIRING, 0.0),
        (after(BETTER, BETTER, standing=FIRING), BETTER, State.FIRING, 30.0),
        (after(*[BETTER] * 8, standing=FIRING), BETTER, State.CALM, 120.0),
        (after(BETTER, BETTER, standing=FIRING), None, State.FIRING, 15.0),
    ],
)
def test_the_table(
    before: Standing, reading: Reading | None, expected: State, held_s: float
) -> None:
    """Each cell of the table, with a step every 15 s."""
    found = after(reading, standing=before)

    assert (expected, held_s) == (found.state, found.held_s)


def test_time_without_a_reading_does_not_count() -> None:
    """What is not known neither brings an alert nearer nor ends it."""
    found = after(WORSE, WORSE, None, None, None, WORSE, WORSE)

    assert (State.PENDING, 30.0) == (found.state, found.held_s)


def test_what_is_gone_for_a_day_is_over() -> None:
    """An alert of which nothing is known ends after a day, and not before."""
    book = firing_book()
    steps = int(FORGOTTEN_AFTER_S / 3600)

    told = [book.step(INSTANT, {}, 3600.0, 0.0) for _ in range(steps)]

    assert [[]] * (steps - 1) == told[:-1]
    assert [Why.NO_DATA] == [one.why for one in told[-1]]
    assert () == book.subjects(INSTANT)


def firing_book(repeat_s: float = 0.0) -> Book:
    """With one alert that has been told at 1000.0."""
    book = Book(repeat_s)
    book.adopt([INSTANT], 0.0)
    [alert] = book.step(INSTANT, {ALL: WORSE}, 15.0, 1000.0)
    assert Why.FIRED is alert.why
    return book


# Mostly as before: what changes at each look hardly ever fires.
runs = st.tuples(st.sampled_from([WORSE, BETWEEN, BETTER, None]), st.integers(1, 12))
courses = st.lists(runs, max_size=12).map(
    lambda runs: [reading for reading, times in runs for _ in range(times)]
)


@given(courses)
def test_what_is_told_alternates(course: list[Reading | None]) -> None:
    """Whatever is read: first it fires, then it is over, and so on, each at its own limit."""
    book = Book()
    book.adopt([rule()], 0.0)

    told = [
        (alert.why, reading)
        for place, reading in enumerate(course)
        for alert in book.step(rule(), {ALL: reading}, STEP_S, place * STEP_S)
    ]

    assert ([Why.FIRED, Why.RECOVERED] * len(told))[: len(told)] == [why for why, _ in told]
    for why, reading in told:
        assert reading is not None
        assert (why is Why.FIRED) == (reading.value >= LIMITS.worse)
        assert (why is Why.RECOVERED) == (reading.value <= LIMITS.clear)


@given(
    st.lists(st.floats(0.1001, 0.1999), min_size=1, max_size=60), st.sampled_from([CALM, FIRING])
)
def test_at_the_edge_nothing_is_told(values: list[float], standing: Standing) -> None:
    """Between the limits no alert begins and none ends, however long it goes up and down."""
    found = after(*(Reading(value, LIMITS) for value in values), standing=standing)

    assert standing.state is found.state


@given(st.lists(st.sampled_from([WORSE, WORSE, WORSE, BETTER]), max_size=30))
def test_it_fires_once_it_held(course: list[Reading]) -> None:
    """It fires if, and only if, it was worse for a whole minute: five readings in a row."""
    words = "".join("w" if one is WORSE else "b" for one in course)

    fired = any(after(*course[:end]).state is State.FIRING for end in range(len(course) + 1))

    assert ("wwwww" in words) is fired


def test_it_is_told_again() -> None:
    """An alert that goes on is told again after `repeat_s`, with the next number."""
    book = firing_book(repeat_s=600.0)

    early = book.step(INSTANT, {ALL: WORSE}, 15.0, 1599.0)
    [again] = book.step(INSTANT, {ALL: WORSE}, 15.0, 1600.0)

    assert [] == early
    assert (Why.GOES_ON, 2, 1000.0) == (again.why, again.number, again.standing.since)


def test_it_is_told_again_though_the_clock_was_set_back() -> None:
    """An alert that was told in the future, as it looks now, is told again at once."""
    book = firing_book(repeat_s=600.0)

    [again] = book.step(INSTANT, {ALL: WORSE}, 15.0, -86_400.0)
    early = book.step(INSTANT, {ALL: WORSE}, 15.0, -86_385.0)

    assert Why.GOES_ON == again.why
    assert [] == early


def test_a_reload_keeps_what_did_not_change() -> None:
    """A rule that is the same keeps its alerts; one that says something else, or is gone, ends
    its own.
    """
    book = Book()
    first, second, third = (rule(name, Holding(0.0, 0.0)) for name in ("a", "b", "c"))
    book.adopt([first, second, third], 0.0)
    for one in (first, second, third):
        book.step(one, {ALL: WORSE}, 15.0, 10.0)

    over = book.adopt([first, rule("b", limits=Limits(0.3, 0.1))], 20.0)

    assert [("b", Why.RULE_CHANGED), ("c", Why.RULE_CHANGED)] == [
        (one.rule.name, one.why) for one in over
    ]
    assert [first] == [one for one, _, _ in book.firing()]
    assert "<Book of 2 rules: 1 firing, 0 pending>" == repr(book)


def test_what_is_told_to_those_who_ask() -> None:
    """What is pending since it was bad, what fires since it fired, and what is over."""
    book = Book()
    book.adopt([rule()], 0.0)

    seen: list[list[tuple[Why, float]]] = []
    for place, reading in enumerate([BETTER, *[WORSE] * 6, *[BETTER] * 9]):
        book.step(rule(), {ALL: reading}, STEP_S, place * STEP_S)
        seen.append([(one.why, one.standing.since) for one in book.alerts(place * STEP_S)])

    assert [[], *[[(Why.PENDING, 15.0)]] * 4, *[[(Why.FIRED, 75.0)]] * 10] == seen[:-1]
    assert [(Why.RECOVERED, 75.0)] == seen[-1]
    assert 15 * STEP_S == book.resolved[0].at


def test_only_the_last_of_what_is_over_is_remembered() -> None:
    """However often it fires, the memory is bounded; a rule that is gone leaves its end there."""
    book = Book()
    book.adopt([INSTANT], 0.0)
    for place in range(RESOLVED_MAX + 5):
        book.step(INSTANT, {ALL: WORSE}, STEP_S, 2.0 * place)
        book.step(INSTANT, {ALL: BETTER}, STEP_S, 2.0 * place + 1.0)
    book.step(INSTANT, {ALL: WORSE}, STEP_S, 1000.0)
    book.adopt([], 2000.0)

    over = [one.at for one in book.alerts(3000.0)]
    assert RESOLVED_MAX == len(over)
    assert [2.0 * 6 + 1.0, 2000.0] == [over[0], over[-1]]
    assert Why.RULE_CHANGED is book.resolved[-1].why


def test_subjects_stand_apart() -> None:
    """Each subject of a rule has an alert of its own."""
    book = Book()
    book.adopt([INSTANT], 0.0)
    one, other = Subject(By.TENANT, "a"), Subject(By.TENANT, "b")

    told = book.step(INSTANT, {one: WORSE, other: BETTER}, 15.0, 0.0)

    assert [one] == [alert.subject for alert in told]
    assert "tenant a" == str(one)

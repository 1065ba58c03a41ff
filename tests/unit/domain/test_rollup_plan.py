"""Which sums answer a question."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.rollup import Axis, Dimension, Key, Label, LedgerQuery
from service.domain.rollup_plan import Place, Plan, Retention, Span, TooMuch, plan
from service.domain.rollup_views import Resolution, View
from tests.kit.ledger import NOW

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
TODAY = int(NOW) // DAY * DAY
ACME = frozenset({"acme"})
SHORT = Retention(2 * DAY, 2 * DAY, 7 * DAY)
D = Dimension


def planned(query: LedgerQuery, retention: Retention = Retention()) -> Plan:
    return plan(query, NOW, retention, list(View))


@pytest.mark.parametrize(
    ("axes", "filtered", "view"),
    [
        ((), (), View.ALL),
        ((D.TENANT,), (), View.TENANT),
        ((), (D.TENANT,), View.TENANT),
        ((D.MODEL,), (), View.TARGET),
        ((D.MODEL, D.PROVIDER), (), View.TARGET),
        ((D.STATUS,), (D.MODEL,), View.OUTCOME),
        ((D.MODEL,), (D.TENANT,), View.PAIR),
        ((Label("team"),), (D.TENANT,), View.LABEL),
        ((Label("team"), D.MODEL), (), View.FULL),
        ((D.STATUS,), (D.TENANT,), View.FULL),
    ],
)
def test_the_smallest_view_that_knows_enough_answers(
    axes: tuple[Axis, ...], filtered: Sequence[Axis], view: View
) -> None:
    """It must tell apart what is asked by, and what is asked for."""
    filters = dict.fromkeys(filtered, ACME)

    assert view is planned(LedgerQuery(NOW - DAY, NOW, group_by=axes, filters=filters)).view


def test_weeks_are_read_whole_and_their_edges_by_ever_less() -> None:
    """Thirty days up to now: hours, quarters, days, then weeks, this one included."""
    start = TODAY - 30 * DAY + 5 * HOUR
    assert 0 == TODAY % WEEK

    spans = planned(LedgerQuery(start, NOW)).spans

    assert (
        Span(Resolution.HOUR, start, start + HOUR),
        Span(Resolution.QUARTER, start + HOUR, TODAY - 29 * DAY),
        Span(Resolution.DAY, TODAY - 29 * DAY, TODAY - 28 * DAY),
        Span(Resolution.WEEK, TODAY - 28 * DAY, TODAY + WEEK),
    ) == spans


@pytest.mark.parametrize(
    ("ago_s", "end"),
    [
        (0, int(NOW) // MINUTE * MINUTE + MINUTE),
        (10 * MINUTE, int(NOW) // MINUTE * MINUTE + MINUTE),
        (30 * MINUTE, TODAY + 3 * HOUR),
        (2 * HOUR, TODAY + 3 * HOUR),
        (3 * HOUR, TODAY + WEEK),
    ],
)
def test_no_more_is_read_of_a_time_to_come_than_one_bucket(ago_s: float, end: int) -> None:
    """The one that it is now, where all of it counts that has been: this day begins a week."""
    assert end == planned(LedgerQuery(NOW - ago_s, NOW)).end


def test_steps_end_with_the_one_that_it_is_now() -> None:
    """Minutes of a week to come are not looked for."""
    assert TODAY + 2 * HOUR + 29 * MINUTE == planned(LedgerQuery(NOW - DAY, NOW, 15 * MINUTE)).end


def test_a_time_that_is_over_ends_where_it_was_asked_to() -> None:
    """To the minute, while minutes are kept."""
    start, end = TODAY - DAY + 30 * MINUTE, TODAY + HOUR + 90

    plan = planned(LedgerQuery(start, end))

    assert (
        Span(Resolution.MINUTE, start, TODAY - DAY + HOUR),
        Span(Resolution.HOUR, TODAY - DAY + HOUR, TODAY - DAY + 6 * HOUR),
        Span(Resolution.QUARTER, TODAY - DAY + 6 * HOUR, TODAY),
        Span(Resolution.HOUR, TODAY, TODAY + HOUR),
        Span(Resolution.MINUTE, TODAY + HOUR, TODAY + HOUR + 2 * MINUTE),
    ) == plan.spans
    assert (start, TODAY + HOUR + 2 * MINUTE) == (plan.start, plan.end)


def test_all_that_was_promised_can_be_asked_for() -> None:
    """Whoever asks for two days by the minute asks a moment before that is answered."""
    begun = LedgerQuery(NOW - 2 * DAY - 1.0, NOW, 5 * MINUTE)

    assert Resolution.MINUTE == planned(begun).spans[0].resolution


def test_what_is_no_longer_kept_by_the_minute_begins_with_its_hour() -> None:
    """The answer tells what was summed."""
    start = TODAY - 10 * DAY + HOUR + 61

    assert TODAY - 10 * DAY + HOUR == planned(LedgerQuery(start, NOW)).start
    assert TODAY - 100 * DAY == planned(LedgerQuery(TODAY - 100 * DAY + 61, NOW)).start


@pytest.mark.parametrize(
    ("step_s", "resolution"),
    [
        (MINUTE, Resolution.MINUTE),
        (5 * MINUTE, Resolution.MINUTE),
        (HOUR, Resolution.HOUR),
        (7 * HOUR, Resolution.HOUR),
        (12 * HOUR, Resolution.QUARTER),
        (DAY, Resolution.DAY),
        (7 * DAY, Resolution.DAY),
    ],
)
def test_rows_fit_into_steps(step_s: int, resolution: Resolution) -> None:
    """The longest ones that do."""
    spans = planned(LedgerQuery(TODAY - DAY, TODAY, step_s)).spans

    assert (Span(resolution, TODAY - DAY, TODAY),) == spans


@pytest.mark.parametrize(
    ("ago_s", "step_s", "told"),
    [
        (3 * DAY, MINUTE, "an hour"),
        (91 * DAY, HOUR, "a day"),
        (47 * HOUR, 0, "a minute"),
        (47 * HOUR, 90, "a minute"),
    ],
)
def test_steps_that_cannot_be_told_are_refused(ago_s: int, step_s: int, told: str) -> None:
    """Shorter ones than are kept, and those that are no multiple of a minute."""
    expected = ValueError if told == "a minute" else TooMuch

    with pytest.raises(expected, match=told):
        planned(LedgerQuery(NOW - ago_s, NOW, step_s))


def test_too_many_steps_are_refused() -> None:
    """Before anything is read."""
    with pytest.raises(TooMuch, match="longer"):
        plan(
            LedgerQuery(NOW - 400 * DAY, NOW, MINUTE),
            NOW,
            Retention(401 * DAY, 401 * DAY, 401 * DAY),
            list(View),
        )


def test_nothing_is_read_of_a_time_to_come() -> None:
    """Nor of one that ends before it begins."""
    assert () == planned(LedgerQuery(NOW + 2 * DAY, NOW + 3 * DAY)).spans
    assert () == planned(LedgerQuery(NOW, NOW - DAY)).spans


@given(
    st.floats(NOW - 1000 * DAY, NOW),
    st.floats(0, 1000 * DAY),
    st.sampled_from([None, MINUTE, 5 * MINUTE, HOUR, 3 * HOUR, DAY, 7 * DAY]),
    st.sampled_from([Retention(), SHORT]),
)
@example(1709260124.0, 78625876.0, None, Retention())
@example(NOW - 3 * DAY, DAY + HOUR + 90, None, SHORT)
def test_spans_cover_the_time_once(
    start: float, length_s: float, step_s: int | None, retention: Retention
) -> None:
    """Without a gap or an overlap, on the bounds of buckets, and never less than was asked."""
    query = LedgerQuery(start, start + length_s, step_s)
    try:
        plan = planned(query, retention)
    except TooMuch:
        return

    at = plan.start
    for span in plan.spans:
        assert at == span.start
        assert span.start % span.resolution == 0 == span.end % span.resolution
        assert step_s is None or step_s % span.resolution == 0
        assert span.start >= retention.oldest(span.resolution, NOW)
        at = span.end
    assert not plan.spans or at == plan.end
    assert plan.start <= max(start, NOW - retention.days_s)
    assert plan.end >= min(start + length_s, NOW) or not plan.spans


def test_a_plan_is_narrowed_to_what_is_told() -> None:
    """To the times and the tenants of a page; its buckets stay where they were."""
    axes = (Dimension.TENANT, Dimension.MODEL)
    whole = planned(LedgerQuery(TODAY - 5 * DAY - HOUR, TODAY, DAY, axes))
    places = (Place(TODAY - 3 * DAY, ("acme", "m")), Place(TODAY - 2 * DAY, ("acme", "n")))

    narrowed = whole.narrowed(places)

    assert (Span(Resolution.DAY, TODAY - 3 * DAY, TODAY - DAY),) == narrowed.spans
    assert ACME == narrowed.tenants
    assert whole.bucket(TODAY - 5 * DAY - HOUR) == narrowed.bucket(TODAY - 5 * DAY - HOUR)


def test_values_are_those_that_were_asked_for() -> None:
    """A row that the filters do not let through has none."""
    query = LedgerQuery(
        NOW - DAY,
        NOW,
        group_by=(Label("team"), Dimension.MODEL),
        filters={Dimension.TENANT: ACME, Label("team"): frozenset({"", "red"})},
    )
    plan = planned(query)

    assert ("red", "m") == plan.values(Key("acme", model="m", labels=(("team", "red"),)))
    assert ("", "m") == plan.values(Key("acme", model="m"))
    assert plan.values(Key("acme", model="m", labels=(("team", "blue"),))) is None
    assert plan.values(Key("globex", model="m")) is None

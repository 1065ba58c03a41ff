"""How many attempts at once a candidate bears: up by one, down by a fifth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.limit import UNLIMITED, Limit, answered, pushed_back

AT = 1000.0
events = st.lists(
    st.tuples(st.booleans(), st.floats(0, 3), st.integers(1, 200)),
    min_size=1,
    max_size=60,
)


def test_no_pushback_no_limit() -> None:
    """Without any pushback there is no limit, however much is in flight."""
    assert UNLIMITED == answered(Limit(), AT, 10_000).value


@pytest.mark.parametrize(
    ("known", "in_flight", "expected"),
    [(UNLIMITED, 100, 80), (50, 100, 40), (50, 30, 24), (4, 4, 3), (1, 1, 1), (UNLIMITED, 1, 1)],
)
def test_a_pushback(known: float, in_flight: int, expected: float) -> None:
    """A limit becomes four fifths of what was in flight, or of itself, but never below 1."""
    limit = pushed_back(Limit(known), AT, in_flight)

    assert Limit(expected, AT, AT) == limit


@pytest.mark.parametrize(("later_s", "expected"), [(0.0, 80), (0.999, 80), (1.0, 64)])
def test_pushbacks_together_are_one(later_s: float, expected: float) -> None:
    """Within a second of a pushback another one is the same."""
    limit = pushed_back(Limit(), AT, 100)

    assert expected == pushed_back(limit, AT + later_s, 100).value


@pytest.mark.parametrize(
    ("later_s", "in_flight", "expected"),
    [(1.0, 10, 11), (1.0, 25, 11), (1.0, 9, 10), (0.999, 10, 10), (299.9, 10, 11)],
)
def test_a_quiet_second(later_s: float, in_flight: int, expected: float) -> None:
    """A limit grows by one after a quiet second, only if it was reached."""
    assert expected == answered(Limit(10, AT, AT), AT + later_s, in_flight).value


def test_growth_is_one_a_second() -> None:
    """A thousand answers within a second are one step up; the pushback is not forgotten by it."""
    limit = Limit(10, AT, AT)
    for number in range(1000):
        limit = answered(limit, AT + 1.0 + number / 1001, 10)

    assert Limit(11, AT + 1.0, AT) == limit


@pytest.mark.parametrize("in_flight", [1, 500])
def test_a_limit_is_forgotten(in_flight: int) -> None:
    """Five minutes after the last pushback there is no limit any more."""
    assert UNLIMITED == answered(Limit(10, AT + 290, AT), AT + 300, in_flight).value


def test_growth_does_not_delay_forgetting() -> None:
    """Five minutes count from the last pushback, not from the last step up."""
    limit = Limit(10, AT, AT)
    for second in range(1, 301):
        limit = answered(limit, AT + second, 1_000)

    assert Limit() == limit


@given(events)
def test_laws(events: list[tuple[bool, float, int]]) -> None:
    """A limit is at least 1, and goes at most a fifth and a bit down, or one up, in a second."""
    limit, now, down_at = Limit(), AT, -math.inf
    for is_pushback, later_s, in_flight in events:
        now += later_s
        before = limit
        limit = (pushed_back if is_pushback else answered)(limit, now, in_flight)

        assert limit.value >= 1
        if limit.value < before.value:
            assert is_pushback
            assert now - down_at >= 1.0
            down_at = now
        elif limit.value > before.value:
            assert not is_pushback
            assert limit.value == before.value + 1


def test_a_line() -> None:
    """A limit reads as one line."""
    assert "<Limit none>" == repr(Limit())
    assert "<Limit 12>" == repr(Limit(12.0))

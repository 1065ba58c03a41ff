"""The time of Redis is told as well as it can be known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.caches.clock import SharedClock
from tests.kit.virtual import Clock


def test_nothing_heard() -> None:
    """Until Redis has told its time this host's own counts."""
    assert 1000.0 == SharedClock(Clock(1000.0)).now()


@given(
    st.floats(-1e4, 1e4),
    st.lists(st.tuples(st.floats(0.0, 0.1), st.floats(0.0, 0.1)), min_size=1, max_size=20),
)
def test_as_good_as_the_quickest_answer(offset_s: float, trips: list[tuple[float, float]]) -> None:
    """The time is off by no more than half of the quickest of the last 8 round trips."""
    host = Clock(1e6)
    clock = SharedClock(host)
    for there_s, back_s in trips:
        began_at = host.now
        told = began_at + there_s + offset_s
        host.now += there_s + back_s
        clock.heard(told, began_at, host.now)
        host.now += 1.0
    quickest_s = min(there_s + back_s for there_s, back_s in trips[-8:])

    assert abs(clock.now() - (host.now + offset_s)) <= quickest_s / 2.0 + 0.001


def test_a_clock_that_is_set() -> None:
    """When either clock is set, the older samples are forgotten at once."""
    host = Clock(1000.0)
    clock = SharedClock(host)
    clock.heard(1000.0, 1000.0, 1000.0)
    host.now = 5000.0
    clock.heard(1001.05, 4999.9, 5000.0)

    assert abs(clock.now() - 1001.1) < 0.06


def test_a_clock_that_is_set_back_meanwhile() -> None:
    """A round trip that ended before it began tells nothing."""
    host = Clock(1000.0)
    clock = SharedClock(host)
    clock.heard(1007.0, 1000.0, 1000.0)
    clock.heard(1008.0, 1000.0, 900.0)

    assert 1007.0 == clock.now()

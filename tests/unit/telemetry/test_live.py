"""A window of the last whole seconds, never from before the start, never what is still coming."""

from __future__ import annotations

import threading

from service.domain.call_record import CallRecord
from service.domain.rollup import Count
from service.telemetry.live import Live

NOW = 1_800_000_000.0
METHOD = "/aiprovider.v1.CompletionService/Complete"


def call(at: float, method: str = METHOD) -> CallRecord:
    return CallRecord(method, "r", "", 0.0, "acme", ended_at=at, code="OK")


def test_whole_seconds() -> None:
    """A second is told once it is over and its records had time to come."""
    live = Live(NOW - 100)
    live((call(NOW - 1), call(NOW + 0.5)))

    early, later = live.window(NOW + 1.1, 10, None), live.window(NOW + 1.2, 10, None)
    assert (NOW, 1) == (early.end, early.lately.calls[Count.REQUESTS])
    assert (NOW + 1, 2) == (later.end, later.lately.calls[Count.REQUESTS])


def test_just_started() -> None:
    """A rate is over what there was: a second at least, then more, then what was asked for."""
    live = Live(NOW)

    lengths = [live.window(NOW + age, 10, None).length_s for age in (0.0, 1.5, 5.5, 50.0)]
    assert [1, 1, 5, 10] == lengths


def test_questions_about_the_service() -> None:
    """Whoever looks is not what is looked at."""
    live = Live(NOW - 100)
    live((call(NOW, "/aiprovider.v1.AnalyticsService/WatchMetrics"), call(NOW)))

    assert 1 == live.window(NOW + 2, 10, None).lately.calls[Count.REQUESTS]


def test_reading_while_it_is_told() -> None:
    """A reader on another thread sees sums that only grow, and in the end all of them."""
    live = Live(NOW - 100)
    records = [call(NOW + number % 5) for number in range(20_000)]
    teller = threading.Thread(target=lambda: live(records))
    teller.start()
    seen = [live.window(NOW + 9, 20, None).lately.calls[Count.REQUESTS] for _ in range(50)]
    teller.join()

    assert sorted(seen) == seen
    assert 20_000 == live.window(NOW + 9, 20, None).lately.calls[Count.REQUESTS]

"""Which calls' spans are told."""

from __future__ import annotations

import pytest

from service.domain.call_record import CallRecord
from service.domain.reasons import ErrorReason
from service.domain.span_context import SpanContext
from service.telemetry.keeping import Keeping, Kept

SPAN = SpanContext("a" * 32, "b" * 16)


def record(
    *,
    reason: ErrorReason | None = None,
    total_s: float = 0.1,
    sampled: bool = False,
    started: float = 0.0,
    ended_at: float = 0.0,
) -> CallRecord:
    return CallRecord(
        "/aiprovider.v1.CompletionService/Complete",
        "r",
        SPAN.trace_id,
        started,
        reason=reason,
        total_s=total_s,
        ended_at=ended_at,
        span=SPAN._replace(sampled=sampled),
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (record(sampled=True), Kept.SAMPLED),
        (record(), None),
        (record(reason=ErrorReason.PROVIDER_TIMEOUT), Kept.FAILED),
        (record(reason=ErrorReason.INTERNAL), Kept.FAILED),
        (record(reason=ErrorReason.INVALID_REQUEST), None),
        (record(reason=ErrorReason.CANCELLED), None),
        (record(total_s=10.0), Kept.SLOW),
        (record(total_s=9.9), None),
    ],
)
def test_why(told: CallRecord, expected: Kept | None) -> None:
    """The sampled are told, the slow, and those that fail through no fault of the caller's."""
    keeping = Keeping(slow_s=10.0, tail_per_s_max=100)

    assert expected == keeping.why(told)


def test_a_watch_is_not_slow() -> None:
    """A call that lasts as long as its caller wishes tells nothing by lasting long."""
    watch = record(total_s=1e5)
    watch.method = "/aiprovider.v1.HealthService/WatchProviders"

    assert Keeping(10.0, 100).why(watch) is None


def test_what_is_not_traced_is_not_kept() -> None:
    """A call without a span has none to tell."""
    untraced = record(reason=ErrorReason.INTERNAL)
    untraced.span = None

    assert Keeping(10.0, 100).why(untraced) is None


def test_an_outage_is_told_of_in_bounds() -> None:
    """Of the tail so many are told in a second; sampled ones do not count."""
    keeping = Keeping(slow_s=10.0, tail_per_s_max=5)
    failed = [
        record(reason=ErrorReason.PROVIDER_TIMEOUT, started=1000.0 + n / 10) for n in range(20)
    ]

    kept = [keeping.why(one) for one in failed]

    assert [Kept.FAILED] * 5 == kept[:5]
    # In the 1.9 s after the first five more come free each second.
    assert 5 + 9 == kept.count(Kept.FAILED)
    assert 6 == keeping.dropped_count
    assert Kept.SAMPLED is keeping.why(record(sampled=True))


def test_the_bound_heeds_no_clock_that_is_set() -> None:
    """After a day in the future, and back, as many of the tail are told as before."""
    keeping = Keeping(slow_s=10.0, tail_per_s_max=1)
    moments = [1000.0, 1000.0 + 86_400.0, 1002.0, 1003.0]

    kept = [
        keeping.why(record(reason=ErrorReason.INTERNAL, started=50.0 + n, ended_at=at))
        for n, at in enumerate(moments)
    ]

    assert [Kept.FAILED] * 4 == kept

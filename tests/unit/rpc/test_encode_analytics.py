"""Buckets on the wire: what each is made of is what is asked of the ledger for it, and no less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import usage_pb2

from service.domain import sketch
from service.domain.live import Lately
from service.domain.rollup import COUNTS, KINDS, Cell, Count, Kind, Rollup, merged
from service.rpc import analytics_needs as needs
from service.rpc import encode_analytics as encode
from service.rpc.analytics_needs import Needs
from service.telemetry.live import Window

NAMES = ("model",)


def performance_bucket(cell: Cell, names: tuple[str, ...]) -> pb.PerformanceBucket:
    return encode.performance_bucket(cell, 1e9, names)


def cell(rollup: Rollup) -> Cell:
    return Cell(3600.0, 7200.0, ("m",), rollup)


def full() -> Rollup:
    """No two sums, and no two tallies, are the same."""
    rollup = Rollup([1000 + count for count in COUNTS])
    for kind in KINDS:
        rollup.tallies[kind] = {place + kind: 1 + kind for place in (1, 5, 9)}
    return rollup


def narrowed(need: Needs) -> Rollup:
    """What the ledger gives when it is asked for that alone."""
    rollup = full()
    return Rollup(rollup.counts, {kind: rollup.tallies[kind] for kind in need})


@pytest.mark.parametrize(
    ("bucket", "need"),
    [
        (encode.usage_bucket, needs.USAGE),
        (performance_bucket, needs.PERFORMANCE),
        (encode.cost_bucket, needs.COSTS),
        (encode.error_bucket, needs.ERRORS),
    ],
)
def test_what_is_needed(bucket: Callable[[Cell, tuple[str, ...]], Any], need: Needs) -> None:
    """Asked for what it needs alone, a bucket is what it is with everything."""
    assert bucket(cell(full()), NAMES) == bucket(cell(narrowed(need)), NAMES)


def test_costs() -> None:
    """Parts make the total; the cost of a request is rounded down."""
    bucket = encode.cost_bucket(cell(full()), NAMES)

    cost = bucket.cost
    assert cost.total_nano_usd == (
        cost.input_nano_usd
        + cost.output_nano_usd
        + cost.cache_read_nano_usd
        + cost.cache_write_nano_usd
        + cost.other_nano_usd
    )
    assert cost.total_nano_usd // bucket.requests == bucket.nano_usd_per_request
    assert usage_pb2.COST_PROVENANCE_ESTIMATED == cost.provenance
    assert 3600 == bucket.start_time.seconds
    assert {"model": "m"} == dict(bucket.dimensions)


def test_concurrency() -> None:
    """Small numbers are exact; of two replicas the peak is the larger one."""
    for number in range(1, 50):
        tally = {sketch.bucket(number): 1}
        assert (number, number) == concurrency(Rollup(tallies={Kind.CONCURRENCY: tally}))
    one, two = {sketch.bucket(3): 190}, {sketch.bucket(7): 5, sketch.bucket(40): 5}
    both = merged(Rollup(tallies={Kind.CONCURRENCY: tally}) for tally in (one, two))

    assert (3, 3) == concurrency(Rollup(tallies={Kind.CONCURRENCY: one}))
    assert (3, 40) == concurrency(both)
    assert (0, 0) == concurrency(Rollup())


def concurrency(rollup: Rollup) -> tuple[int, int]:
    told = performance_bucket(cell(rollup), NAMES)
    return told.p95_concurrency, told.peak_concurrency


def test_nothing() -> None:
    """An empty bucket has no latency and no ratio, and cost nothing: that is known."""
    empty = cell(Rollup())
    usage, errors = encode.usage_bucket(empty, NAMES), encode.error_bucket(empty, NAMES)
    told = performance_bucket(empty, NAMES)

    assert not usage.HasField("latency_p50")
    assert not usage.cost.unpriced
    assert not errors.HasField("failover_success_ratio")
    assert 0.0 == errors.error_ratio
    assert (0, False) == (told.total_duration.count, told.total_duration.HasField("mean"))


def test_an_unknown_price() -> None:
    """Nothing but unpriced attempts is no cost of 0."""
    rollup = Rollup()
    rollup.counts[Count.REQUESTS] = rollup.counts[Count.ATTEMPTS] = 2
    rollup.counts[Count.UNPRICED_ATTEMPTS] = 2
    bucket = encode.cost_bucket(cell(rollup), NAMES)

    assert (True, 2) == (bucket.cost.unpriced, bucket.unpriced_attempts)
    assert not bucket.HasField("nano_usd_per_request")


def test_live() -> None:
    """Rates are over the window; a provider that is gone is told as long as it was asked."""
    lately = Lately()
    lately.calls.counts[Count.REQUESTS] = 30
    lately.calls.counts[Count.ERRORS] = 3
    lately.calls.tallies[Kind.TOTAL] = {sketch.bucket(0.5): 30}
    gone = lately.providers["gone"] = Rollup()
    gone.counts[Count.ATTEMPTS] = 20
    gone.counts[Count.OUTPUT_NANO_USD] = 1000
    gone.counts[Count.OUTPUT_TOKENS] = 50
    told = encode.live_metrics(Window(1000.0, 10, lately), 4, ())

    assert (30, 3.0, 0.1, 5.0) == (
        told.requests.count,
        told.requests.per_second,
        told.requests.error_ratio,
        told.requests.output_tokens_per_second,
    )
    assert (1000, 360_000, 4) == (
        told.requests.nano_usd,
        told.requests.nano_usd_per_hour,
        told.in_flight,
    )
    assert [("gone", 2.0)] == [(one.provider, one.attempts.per_second) for one in told.providers]

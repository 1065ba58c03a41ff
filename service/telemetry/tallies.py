"""Sums and histograms of measurements, by their attributes' values. Knows no exporter.

The SDK's own instruments take 13-17 us for one measurement, on the interpreter that also serves;
these take one. Bounded: past `SETS_MAX` sets of values all others of a metric are counted together.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

from service.telemetry.catalogue import Metric

SETS_MAX = 2000
"""As many as the SDK bears."""
VALUE_CHARS_MAX = 120
OVERFLOW = ("*overflow*",)
Values = tuple[str, ...]


class Sample(NamedTuple):
    """A measurement of a call that is traced."""

    value: float
    time_s: float
    trace_id: str
    span_id: str


class Spread:
    """A histogram: how many measurements were at most each bound, and past the last."""

    __slots__ = ("buckets", "count", "highest", "lowest", "samples", "total")

    def __init__(self, bounds_count: int) -> None:
        self.buckets = [0] * (bounds_count + 1)
        self.count = 0
        self.total = 0.0
        self.lowest = float("inf")
        self.highest = float("-inf")
        self.samples: dict[int, Sample] = {}
        """The last one of each bucket."""

    def copy(self) -> Spread:
        other = Spread(0)
        other.buckets, other.samples = self.buckets.copy(), self.samples.copy()
        other.count, other.total = self.count, self.total
        other.lowest, other.highest = self.lowest, self.highest
        return other


class Tallies:
    """Written by one thread, within `lock`; read by any, within `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sums: dict[Metric, dict[Values, int]] = {}
        self.spreads: dict[Metric, dict[Values, Spread]] = {}

    def __repr__(self) -> str:
        count = sum(map(len, (*self.sums.values(), *self.spreads.values())))
        return f"<Tallies of {count} sets>"

    def add(self, metric: Metric, values: Values, amount: int = 1) -> None:
        sums = self.sums.get(metric)
        if sums is None:
            sums = self.sums[metric] = {}
        if values not in sums and len(sums) >= SETS_MAX:
            values = OVERFLOW
        sums[values] = sums.get(values, 0) + amount

    def measure(
        self, metric: Metric, values: Values, value: float, sample: Sample | None = None
    ) -> None:
        spreads = self.spreads.get(metric)
        if spreads is None:
            spreads = self.spreads[metric] = {}
        spread = spreads.get(values)
        if spread is None:
            if len(spreads) >= SETS_MAX:
                values = OVERFLOW
            spread = spreads.setdefault(values, Spread(len(metric.bounds)))
        place = bisect_left(metric.bounds, value)
        spread.buckets[place] += 1
        spread.count += 1
        spread.total += value
        spread.lowest = min(spread.lowest, value)
        spread.highest = max(spread.highest, value)
        if sample is not None:
            spread.samples[place] = sample._replace(value=value)


def named(metric: Metric, values: Values) -> Mapping[str, str | bool]:
    """The attributes of one set of values."""
    if values == OVERFLOW:
        return {"otel.metric.overflow": True}
    pairs = zip(metric.attributes, values, strict=True)
    return {name: value[:VALUE_CHARS_MAX] for name, value in pairs if value}

"""Sums and histograms of measurements, by their attributes' values. Knows no exporter.

The SDK's own instruments take 13-17 us for one measurement, on the interpreter that also serves;
these take a twentieth. Bounded: past `SETS_MAX` sets of values all others of a metric are counted
together.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from service.telemetry.catalogue import Metric

SETS_MAX = 2000
"""As many as the SDK bears."""
VALUE_CHARS_MAX = 120
OVERFLOW = ("*overflow*",)
_FRESH_MAX = 512
Values = tuple[str, ...]


class Sample(NamedTuple):
    """A measurement of a call that is traced."""

    value: float
    time_s: float
    trace_id: str
    span_id: str


class Spread:
    """A histogram: how many measurements were at most each bound, and past the last.

    `fresh` are those that are not counted in yet: many at once cost a tenth of one by one.
    """

    __slots__ = ("bounds", "buckets", "count", "fresh", "highest", "lowest", "samples", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.count = 0
        self.total = 0.0
        self.lowest = float("inf")
        self.highest = float("-inf")
        self.fresh: list[float] = []
        self.samples: dict[int, Sample] = {}
        """The last one of each bucket."""

    def settle(self) -> None:
        """Counts the fresh ones in."""
        fresh, self.fresh = sorted(self.fresh), []
        if not fresh:
            return
        self.count += len(fresh)
        self.total += sum(fresh)
        self.lowest, self.highest = min(self.lowest, fresh[0]), max(self.highest, fresh[-1])
        place, until = bisect_left(self.bounds, fresh[0]), 0
        while until < len(fresh):
            limit = self.bounds[place] if place < len(self.bounds) else self.highest
            upto = bisect_right(fresh, limit, until)
            self.buckets[place] += upto - until
            place, until = place + 1, upto

    def take(self, value: float, sample: Sample | None = None) -> None:
        fresh = self.fresh
        fresh.append(value)
        if len(fresh) >= _FRESH_MAX:
            self.settle()
        if sample is not None:
            self.samples[bisect_left(self.bounds, value)] = sample._replace(value=value)

    def copy(self) -> Spread:
        other = Spread(self.bounds)
        other.buckets, other.samples = self.buckets.copy(), self.samples.copy()
        other.count, other.total = self.count, self.total
        other.lowest, other.highest = self.lowest, self.highest
        return other


class Tallies:
    """Written by one thread, within `lock`; read by any, within `lock`, after `settle`."""

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

    def spread(self, metric: Metric, values: Values) -> Spread:
        """Where measurements of such values belong, for good."""
        spreads = self.spreads.get(metric)
        if spreads is None:
            spreads = self.spreads[metric] = {}
        spread = spreads.get(values)
        if spread is None:
            if len(spreads) >= SETS_MAX:
                values = OVERFLOW
            spread = spreads.setdefault(values, Spread(metric.bounds))
        return spread

    def settle(self) -> None:
        """Counts in what is fresh."""
        for spreads in self.spreads.values():
            for spread in spreads.values():
                spread.settle()


def named(metric: Metric, values: Values) -> Mapping[str, str | bool]:
    """The attributes of one set of values."""
    if values == OVERFLOW:
        return {"otel.metric.overflow": True}
    pairs = zip(metric.attributes, values, strict=True)
    return {name: value[:VALUE_CHARS_MAX] for name, value in pairs if value}

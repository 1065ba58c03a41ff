"""Which sums answer a question: the smallest view that knows enough, in longest buckets. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from service.domain.cardinality import kept_as
from service.domain.rollup import Axis, Dimension, Key, Label, LedgerQuery
from service.domain.rollup_views import RESOLUTIONS, Resolution, View, knows

_SHORTEST = Resolution.MINUTE
_LONGEST_FIRST = RESOLUTIONS[::-1]
_UNDER_WAY_S = 60.0
_ASKED_FOR = (Resolution.MINUTE, Resolution.HOUR, Resolution.DAY)
CELLS_MAX = 200_000


class TooMuch(Exception):  # noqa: N818 - what it is
    """Its text says what to ask instead."""


class Span(NamedTuple):
    """All buckets of one length that begin within [`start`, `end`)."""

    resolution: Resolution
    start: int
    end: int


class Place(NamedTuple):
    """Where a row counts: in the bucket that begins at `start`, for these values of the axes."""

    start: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`start` and `end` are those of the whole answer, the spans what is read for it."""

    view: View
    start: int
    end: int
    spans: tuple[Span, ...]
    step_s: int | None
    axes: tuple[Axis, ...]
    filters: Mapping[Axis, frozenset[str]]

    @property
    def tenants(self) -> frozenset[str] | None:
        """None means that rows of any tenant may count."""
        return self.filters.get(Dimension.TENANT)

    def narrowed(self, places: Collection[Place]) -> Plan:
        """What has to be read for these places of it alone."""
        start = min(place.start for place in places)
        end = max(self.bucket_end(place.start) for place in places)
        clipped = (
            Span(span.resolution, max(span.start, start), min(span.end, end)) for span in self.spans
        )
        filters = dict(self.filters)
        if Dimension.TENANT in self.axes:
            index = self.axes.index(Dimension.TENANT)
            filters[Dimension.TENANT] = frozenset(place.values[index] for place in places)
        spans = tuple(span for span in clipped if span.start < span.end)
        return replace(self, spans=spans, filters=filters)

    def bucket(self, start: int) -> int:
        """The bucket of the answer that a row belongs to."""
        return self.start if self.step_s is None else max(start - start % self.step_s, self.start)

    def bucket_end(self, bucket: int) -> int:
        if self.step_s is None:
            return self.end
        return min(bucket - bucket % self.step_s + self.step_s, self.end)

    def values(self, key: Key) -> tuple[str, ...] | None:
        """None for what the filters do not let through."""
        for axis, wanted in self.filters.items():
            if value_of(key, axis) not in wanted:
                return None
        return tuple(value_of(key, axis) for axis in self.axes)


def value_of(key: Key, axis: Axis) -> str:
    if isinstance(axis, Label):
        return next((value for name, value in key.labels if name == axis.key), "")
    return getattr(key, axis.value)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many seconds buckets of each length are kept after their end, and a little longer:
    the time that a question is under way must not make it one about what is gone.
    """

    minutes_s: float = 48 * 3600
    hours_s: float = 90 * 86_400
    days_s: float = 3 * 366 * 86_400

    def of(self, resolution: Resolution) -> float:
        match resolution:
            case Resolution.MINUTE:
                return self.minutes_s
            case Resolution.HOUR | Resolution.QUARTER:
                return self.hours_s
            case Resolution.DAY | Resolution.WEEK:
                return self.days_s

    def oldest(self, resolution: Resolution, now: float) -> float:
        """No bucket that begins before it is surely kept."""
        return now - self.of(resolution) - resolution - _UNDER_WAY_S

    def finest(self, at: float, now: float) -> Resolution:
        """The shortest buckets that are surely still kept of that time."""
        kept = (one for one in _ASKED_FOR if at - at % one >= self.oldest(one, now))
        return next(kept, Resolution.DAY)


def plan(query: LedgerQuery, now: float, retention: Retention, views: Sequence[View]) -> Plan:
    """`views` are those that are kept, from small to large. Raises TooMuch."""
    step_s = query.step_s
    if step_s is not None and (step_s < _SHORTEST or step_s % _SHORTEST):
        raise ValueError("a step is a multiple of a minute")
    earliest = max(query.start, now - retention.days_s, 0.0)
    finest = retention.finest(earliest, now)
    if step_s is not None and step_s % finest:
        told = {Resolution.HOUR: "an hour", Resolution.DAY: "a day"}[finest]
        raise TooMuch(f"of so long ago only steps of a multiple of {told} are kept")
    start = math.floor(earliest / finest) * finest
    end = _end(query, start, now, retention)
    axes = (*query.group_by, *query.filters)
    view = next(view for view in views if knows(view, axes))
    spans = tuple(_spans(start, end, step_s))
    if step_s is not None and (end - start) / step_s > CELLS_MAX:
        raise TooMuch("so many steps: ask for longer ones, or for less time")
    filters = {axis: frozenset(map(kept_as, names)) for axis, names in query.filters.items()}
    return Plan(view, start, end, spans, step_s, query.group_by, filters)


def _end(query: LedgerQuery, start: int, now: float, retention: Retention) -> int:
    if query.end < now:
        finest = _finest_until(query.end, start, now, retention)
        return math.ceil(query.end / finest) * finest
    # Nothing has ended after now: the longest bucket that it lies in may be taken whole.
    for one in _LONGEST_FIRST:
        if start <= now - now % one and _fits(one, query.step_s):
            return math.floor(now / one) * one + one
    return start


def _finest_until(end: float, start: int, now: float, retention: Retention) -> Resolution:
    """The shortest buckets that are kept of all the time before an end that no longer ones fill."""
    finest = _ASKED_FOR[-1]
    # Minutes fill what is left of an hour alone: the hours before it must be there, too.
    for longer, one in pairwise(reversed(_ASKED_FOR)):
        if max(start, end - end % longer) < retention.oldest(one, now):
            break
        finest = one
    return finest


def _fits(resolution: Resolution, step_s: int | None) -> bool:
    return step_s is None or step_s % resolution == 0


def _spans(start: int, end: int, step_s: int | None) -> Iterator[Span]:
    at = start
    while at < end:
        fitting = (
            one
            for one in _LONGEST_FIRST
            if at % one == 0 and at + one <= end and _fits(one, step_s)
        )
        resolution = next(fitting, _SHORTEST)
        # As many of them as there are before a longer one fits, or the end comes.
        until = end - end % resolution
        longer = next((one for one in RESOLUTIONS if one > resolution), None)
        if longer and _fits(longer, step_s):
            begins = at - at % longer + longer
            until = begins if begins + longer <= end else until
        yield Span(resolution, at, until)
        at = until

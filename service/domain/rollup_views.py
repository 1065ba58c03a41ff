"""In which sums the ledger keeps what it was told: by fewer dimensions, and by longer times. Pure.

Every view is summed from the same records, so any two agree. A question is answered from the
smallest that knows all it asks about (`rollup_plan.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from service.domain.rollup import Axis, Dimension, Key, Label, Rollup, merged


class Resolution(IntEnum):
    """How long a bucket is, in seconds. It begins at a multiple of that since the epoch: in UTC.

    Each is a multiple of the one before. Minutes, hours and days are for who asks; the others are
    there so that a month is read from a few rows of each key: 12 in the mean, and not 42.
    """

    MINUTE = 60
    HOUR = 3600
    QUARTER = 21_600
    """Of a day."""
    DAY = 86_400
    WEEK = 604_800
    """From Thursday to Wednesday, as the epoch began."""


class View(IntEnum):
    """By what is summed. The numbers are kept; the order is from small to large."""

    ALL = 0
    TENANT = 1
    TARGET = 2
    """By provider and model."""
    OUTCOME = 3
    """By all but tenants and labels."""
    PAIR = 4
    """By tenant, provider and model."""
    LABEL = 5
    """By tenant and labels; empty where no label is kept."""
    FULL = 6


_D = Dimension
DIMENSIONS: Mapping[View, frozenset[Dimension]] = {
    View.ALL: frozenset(),
    View.TENANT: frozenset({_D.TENANT}),
    View.TARGET: frozenset({_D.PROVIDER, _D.MODEL}),
    View.OUTCOME: frozenset(Dimension) - {_D.TENANT},
    View.PAIR: frozenset({_D.TENANT, _D.PROVIDER, _D.MODEL}),
    View.LABEL: frozenset({_D.TENANT}),
    View.FULL: frozenset(Dimension),
}
HAS_LABELS = frozenset({View.LABEL, View.FULL})
RESOLUTIONS = tuple(Resolution)


class Row(NamedTuple):
    """One sum: of what ended within `resolution` seconds from `start` on, by `key`."""

    view: View
    resolution: Resolution
    start: int
    key: Key


def seen_by(view: View, key: Key) -> Key:
    """What is left of a key in a view."""
    tenant, provider, model = key[:3]
    match view:
        case View.ALL:
            return _NOBODY
        case View.TENANT:
            return Key(tenant)
        case View.TARGET:
            return Key("", provider, model)
        case View.OUTCOME:
            return key._replace(tenant="", labels=())
        case View.PAIR:
            return Key(tenant, provider, model)
        case View.LABEL:
            return Key(tenant, labels=key.labels)
        case View.FULL:
            return key


_NOBODY = Key()


def knows(view: View, axes: Iterable[Axis]) -> bool:
    """Whether a view tells values apart on all of these."""
    return all(
        view in HAS_LABELS if isinstance(axis, Label) else axis in DIMENSIONS[view] for axis in axes
    )


def spread(by_minute: Mapping[tuple[int, Key], Rollup], views: Iterable[View]) -> dict[Row, Rollup]:
    """All sums to be added to, from those of each minute (its start) and each whole key.

    Rows may share a rollup.
    """
    rows: dict[Row, Rollup] = {}
    for view in views:
        seen: dict[Key, Key] = {}
        for (minute, key), rollup in by_minute.items():
            kept = seen.get(key) or seen.setdefault(key, seen_by(view, key))
            _add(rows, Row(view, Resolution.MINUTE, minute, kept), rollup)
    finer = list(rows.items())
    for resolution in RESOLUTIONS[1:]:
        longer: dict[Row, Rollup] = {}
        for row, rollup in finer:
            start = row.start - row.start % resolution
            _add(longer, Row(row.view, resolution, start, row.key), rollup)
        rows.update(longer)
        finer = list(longer.items())
    return rows


def _add(rows: dict[Row, Rollup], row: Row, rollup: Rollup) -> None:
    found = rows.get(row)
    # Most stand for one alone, as most batches are of one minute.
    rows[row] = rollup if found is None else merged((found, rollup))

"""In which sums records are kept."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from service.domain.rollup import Dimension, Key, Label, Rollup, merged
from service.domain.rollup_views import (
    DIMENSIONS,
    HAS_LABELS,
    RESOLUTIONS,
    Resolution,
    View,
    knows,
    seen_by,
    spread,
)

words = st.sampled_from(["", "a", "b"])
labels = st.sampled_from([(), (("team", "a"),), (("team", "b"), ("x", "y"))])
keys = st.builds(Key, words, words, words, words, words, words, labels)
minutes = st.integers(0, 3000).map(lambda number: 1_795_600_020 + 60 * number)
pending = st.dictionaries(
    st.tuples(minutes, keys),
    st.integers(1, 9).map(lambda times: Rollup([times] * 52)),
    max_size=8,
)


@given(pending)
def test_all_views_come_to_the_same(by_minute: dict[tuple[int, Key], Rollup]) -> None:
    """At every resolution every view sums up every record once."""
    rows = spread(by_minute, View)

    found: dict[tuple[View, Resolution], list[Rollup]] = defaultdict(list)
    for row, rollup in rows.items():
        found[row.view, row.resolution].append(rollup)
    whole = merged(by_minute.values())
    assert not by_minute or len(View) * len(RESOLUTIONS) == len(found)
    assert all(whole == merged(rollups) for rollups in found.values())


@given(pending)
def test_rows_begin_where_their_buckets_do(by_minute: dict[tuple[int, Key], Rollup]) -> None:
    """And hold the key as their view sees it."""
    for row in spread(by_minute, View):
        assert row.start % row.resolution == 0
        assert row.key == seen_by(row.view, row.key)


def test_a_view_tells_apart_what_it_knows() -> None:
    """And nothing else is left of a key."""
    key = Key("tenant", "provider", "model", "method", "status", "cache", (("team", "a"),))

    for view in View:
        seen = seen_by(view, key)
        kept = {dimension for dimension in Dimension if getattr(seen, dimension.value)}
        assert DIMENSIONS[view] == kept
        assert bool(seen.labels) == (view in HAS_LABELS) == knows(view, (Label("team"),))
        assert all(knows(view, (dimension,)) == (dimension in kept) for dimension in Dimension)

"""Who is told, in which order, and who is summed up as others."""

from __future__ import annotations

import pytest

from service.domain import lanes
from service.domain.rollup import COUNTS, OTHER, Count, Rank
from service.domain.rollup_answer import Sums, ranking, rollup, shown
from service.domain.rollup_plan import Place


def sums(**counts: int) -> Sums:
    return lanes.unpacked(lanes.packed([counts.get(count.name, 0) for count in COUNTS]))


CELLS = {
    Place(0, ("a",)): sums(REQUESTS=5, TOTAL_US=50, INPUT_NANO_USD=1, ERRORS=1),
    Place(0, ("b",)): sums(REQUESTS=1, TOTAL_US=90, OUTPUT_NANO_USD=9, ATTEMPTS=7),
    Place(60, ("b",)): sums(REQUESTS=1, TOTAL_US=90),
    Place(60, ("c",)): sums(REQUESTS=3, TOTAL_US=3, OUTPUT_TOKENS=8),
}


@pytest.mark.parametrize(
    ("rank", "order"),
    [
        (Rank.REQUESTS, "acb"),
        (Rank.COST, "bac"),
        (Rank.ERRORS, "abc"),
        (Rank.TOKENS, "cab"),
        (Rank.LATENCY, "bac"),
        (Rank.ATTEMPTS, "bac"),
        (Rank.NAME, "abc"),
    ],
)
def test_groups_are_ranked_over_the_whole_time(rank: Rank, order: str) -> None:
    """The largest first; of equals the first by name."""
    told = ranking(CELLS, rank, 0).told

    assert list(order) == [name for (name,) in told]


def test_cells_come_by_time_then_by_rank() -> None:
    """So a page is a while."""
    found = shown(CELLS, ranking(CELLS, Rank.COST, 0))

    assert [(0, "b"), (0, "a"), (60, "b"), (60, "c")] == [
        (place.start, place.values[0]) for place, _ in found
    ]


def test_those_beyond_the_limit_are_one_group() -> None:
    """Last in every step, and nothing is missing from the sum."""
    found = shown(CELLS, ranking(CELLS, Rank.REQUESTS, 1))

    assert [(0, "a", 5), (0, OTHER, 1), (60, OTHER, 4)] == [
        (place.start, place.values[0], rollup(number)[Count.REQUESTS]) for place, number in found
    ]


def test_where_all_are_told_there_are_no_others() -> None:
    """A limit that is not reached changes nothing, and nothing has no order."""
    assert ranking(CELLS, Rank.REQUESTS, 3).rest is None
    assert {} == ranking({}, Rank.COST, 2).told

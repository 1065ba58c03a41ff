"""Sums and tallies: how they are merged, and what is read from them."""

from __future__ import annotations

from random import Random

from aiprovider.v1 import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from service.domain import counting
from service.domain.cost import Provenance
from service.domain.reasons import ErrorReason
from service.domain.rollup import COUNTS, KINDS, REASON_PLACES, REASONS, Count, Kind, Rollup, merged
from tests.kit.ledger import mixed

rollups = st.builds(
    Rollup,
    st.lists(st.integers(0, 2**60), min_size=len(COUNTS), max_size=len(COUNTS)),
    st.dictionaries(
        st.sampled_from(KINDS),
        st.dictionaries(st.integers(0, 1267), st.integers(1, 9), min_size=1, max_size=3),
        max_size=4,
    ),
)


@given(rollups, rollups, rollups)
def test_merging_obeys_its_laws(one: Rollup, two: Rollup, three: Rollup) -> None:
    """In any order and grouping the sum is the same, and nothing adds nothing."""
    together = merged((one, two, three))

    assert together == merged((three, one, two))
    assert together == merged((one, merged((two, three))))
    assert one == merged((one, Rollup()))


@given(rollups, rollups)
def test_merging_leaves_what_is_merged(one: Rollup, two: Rollup) -> None:
    """A sum shares nothing with its parts."""
    before = merged((one,)), merged((two,))
    together = merged((one, two))
    together.add(two)

    assert before == (one, two)


@given(st.randoms(use_true_random=False), st.integers(0, 6))
def test_parts_come_to_the_whole(rng: Random, cut: int) -> None:
    """Records counted in parts, and merged, are the records counted together."""
    records = mixed(rng.randrange(1000), 6, 3600.0)
    whole, first, second = Rollup(), Rollup(), Rollup()
    for number, record in enumerate(records):
        counting.count(whole, record)
        counting.count(first if number < cut else second, record)

    assert whole == merged((first, second))


def test_reasons_have_the_numbers_of_the_contract() -> None:
    """Stores hold numbers of reasons for years: their order must not change."""
    names = {f"ERROR_REASON_{reason.name}": place for reason, place in REASON_PLACES.items()}

    assert dict(error_details_pb2.ErrorReason.items()).items() >= names.items()
    assert len(ErrorReason) == len(REASONS)


def test_reasons_of_a_later_version_are_passed_over() -> None:
    """A replica that does not know a reason yet tells the others."""
    rollup = Rollup(tallies={Kind.REASONS: {1: 2, 999: 1}})

    assert {ErrorReason.INVALID_REQUEST: 2} == rollup.reasons(Kind.REASONS)


def test_counts_and_kinds_keep_their_numbers() -> None:
    """Stores hold them for years: new ones go to the end."""
    assert list(range(len(COUNTS))) == [int(count) for count in COUNTS]
    assert list(range(len(KINDS))) == [int(kind) for kind in KINDS]
    assert (0, 25, 30, 39, 51) == (
        Count.REQUESTS,
        Count.ATTEMPTS,
        Count.INPUT_TOKENS,
        Count.INPUT_NANO_USD,
        Count.ROUTING_ATTEMPTS,
    )


def test_a_cost_is_as_sure_as_its_least_sure_part() -> None:
    """Of what is known; it is unknown where nothing is."""
    surest_first = (
        (Count.REPORTED_COSTS, Provenance.PROVIDER_REPORTED),
        (Count.COMPUTED_COSTS, Provenance.COMPUTED),
        (Count.ESTIMATED_COSTS, Provenance.ESTIMATED),
    )
    rollup = Rollup()
    rollup.counts[Count.UNPRICED_ATTEMPTS] = 1

    assert rollup.cost.provenance is Provenance.UNKNOWN
    for count, provenance in surest_first:
        rollup.counts[count] = 1
        assert provenance is rollup.cost.provenance

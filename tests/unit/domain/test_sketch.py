"""Latencies in buckets: how exact, how they are merged, how they are packed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain import sketch

SHARES = (0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
tallies = st.dictionaries(st.integers(0, len(sketch.BOUNDS)), st.integers(1, 2**40), max_size=20)
crowded = st.dictionaries(st.integers(500, 520), st.integers(1, 2**20), max_size=20)


def _two_modes(rng: Random) -> float:
    return rng.gauss(0.2, 0.01) if rng.random() < 0.9 else rng.gauss(30.0, 2.0)


_DRAWS: Mapping[str, Callable[[Random], float]] = {
    "lognormal": lambda rng: rng.lognormvariate(-1.0, 1.0),
    "exponential": lambda rng: rng.expovariate(3.0),
    "pareto": lambda rng: 0.001 * rng.paretovariate(1.1),
    "uniform": lambda rng: rng.uniform(0.010, 0.020),
    "two modes": _two_modes,
    "constant": lambda _: 0.25,
}


@pytest.mark.parametrize("draw", _DRAWS.values(), ids=_DRAWS)
def test_quantiles_are_within_a_percent(draw: Callable[[Random], float]) -> None:
    """Of any distribution a quantile is within 1 % of the exact one."""
    rng = Random(1)
    values = sorted(draw(rng) for _ in range(5000))
    tally: sketch.Tally = {}
    for value in values:
        place = sketch.bucket(value)
        tally[place] = tally.get(place, 0) + 1

    for share in SHARES:
        exact = values[max(math.ceil(share * len(values)) - 1, 0)]
        found = sketch.quantile(tally, share)
        assert found is not None
        assert abs(found - exact) <= sketch.ACCURACY * exact * 1.000001
    found = sketch.mean(tally)
    assert found is not None
    assert abs(found - sum(values) / len(values)) <= sketch.ACCURACY * found * 1.02


@given(tallies | crowded, tallies | crowded)
@example({5: 1, 6: 1, 7: 255}, {7: 1})
@example({5: 1, 6: 1, 7: 2}, {4: 1})
@example({5: 1, 6: 1, 7: 2}, {8: 1})
@example({5: 1, 6: 1, 7: 2}, {5: 9, 6: 9, 7: 9})
@example({}, {3: 1})
def test_what_is_packed_is_added_as_such(one: sketch.Tally, other: sketch.Tally) -> None:
    """Whether it has to be unpacked or not: to the byte."""
    for parts in ((one, other), (other, one)):
        sum_of_both = sketch.added(*map(sketch.packed, parts))

        assert sketch.packed(sketch.merged(parts)) == sum_of_both


@given(st.floats(sketch.LEAST_S, sketch.MOST_S))
def test_every_latency_is_told_within_a_percent(seconds: float) -> None:
    """What a bucket stands for is within 1 % of all that falls into it."""
    found = sketch.latency(sketch.bucket(seconds))

    assert abs(found - seconds) <= sketch.ACCURACY * seconds * 1.000001


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e6, math.inf])
def test_what_cannot_be_counts_as_the_least_or_the_most(seconds: float) -> None:
    """There is a bucket for everything, so that nothing is ever lost."""
    place = sketch.bucket(seconds)

    expected = sketch.LEAST_S if seconds < 1 else sketch.MOST_S
    assert expected == sketch.latency(place)


@given(tallies, tallies, tallies)
def test_merging_obeys_its_laws(one: sketch.Tally, two: sketch.Tally, three: sketch.Tally) -> None:
    """In any order and grouping the sum is the same, and nothing adds nothing."""
    together = sketch.merged((one, two, three))

    assert together == sketch.merged((three, two, one))
    assert together == sketch.merged((one, sketch.merged((two, three))))
    assert one == sketch.merged((one, {}))
    assert sketch.count(together) == sum(map(sketch.count, (one, two, three)))


@given(tallies | crowded)
def test_packing_is_reversible(tally: sketch.Tally) -> None:
    """What was packed is unpacked unchanged, and equal tallies are equal bytes."""
    blob = sketch.packed(tally)

    assert tally == sketch.unpacked(blob)
    assert blob == sketch.packed(dict(reversed(tally.items())))
    assert len(blob) <= 2 + 10 * len(tally)


def test_bytes_stay_what_they_are() -> None:
    """Stores hold them for years."""
    sparse = sketch.packed({700: 3, 5: 255})
    wide = sketch.packed({1: 256, 3: 1, 9: 1})
    dense = sketch.packed({700: 3, 701: 4, 704: 5})

    assert "0101" + "0500" + "bc02" + "ff" + "03" == sparse.hex()
    assert "0102" + "0100" + "0300" + "0900" + "0001" + "0100" + "0100" == wide.hex()
    assert "0201" + "bc02" + "03" + "04" + "00" + "00" + "05" == dense.hex()


@pytest.mark.parametrize(
    "blob",
    [
        b"\x01",
        b"\x03\x01\x01\x00\x01",
        b"\x01\x03",
        b"\x01\x01\x00",
        b"\x02\x01\x00",
        b"\x02\x02\x00\x00\x01",
        b"\x02\x03\x00\x00\x01\x01\x01",
        b"\x02\x01\xff\xff\x01\x01",
    ],
)
def test_what_is_no_tally_is_refused(blob: bytes) -> None:
    """Other versions, other widths, and what was cut."""
    with pytest.raises(ValueError, match="no tally"):
        sketch.unpacked(blob)


@given(st.lists(tallies | crowded, max_size=5))
def test_packed_ones_are_summed_as_others_are(several: list[sketch.Tally]) -> None:
    """Whichever form each of them has."""
    assert sketch.merged(several) == sketch.sum_of(map(sketch.packed, several))


@given(tallies | crowded, st.data())
def test_a_part_can_be_taken_out(tally: sketch.Tally, data: st.DataObject) -> None:
    """What is left, with the part, is the whole."""
    part = {
        place: data.draw(st.integers(1, min(times, 5)))
        for place, times in tally.items()
        if place % 2
    }

    assert tally == sketch.merged((sketch.less(tally, part), part))


def test_nothing_has_no_quantile() -> None:
    """Where nothing was counted there is nothing to tell."""
    assert sketch.quantile({}, 0.5) is None
    assert sketch.mean({}) is None
    assert sketch.packed({}) == b""

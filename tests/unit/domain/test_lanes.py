"""Many sums in one number: added at once, told apart, and packed."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain import lanes

HALF = 2**62 - 1
several = st.lists(st.integers(-HALF, HALF) | st.just(0), max_size=60)
COUNT = 60


def number(sums: Sequence[int]) -> int:
    return sum(one << 64 * place for place, one in enumerate(sums))


def whole(sums: Sequence[int]) -> list[int]:
    return [*sums, *[0] * (COUNT - len(sums))]


@given(several, several)
@example([HALF, -HALF], [HALF - 1, -HALF])
@example([0, 0, -1], [0, 0, 1])
def test_one_addition_adds_all(one: list[int], other: list[int]) -> None:
    """Each sum by itself, whatever its neighbours are: those below 0 borrow from nobody."""
    total = number(one) + number(other)

    sums = list(map(add, whole(one), whole(other)))
    assert sums == lanes.sums(total, COUNT)
    assert sums == [lanes.at(total, place) for place in range(COUNT)]


@given(several | st.lists(st.integers(-(2**15), 2**15), max_size=60))
@example([])
@example([0, -1])
@example([-128, 0, 127])
@example([-129])
@example([-(2**31), 0, 0, 2**31 - 1])
@example([5, -(2**63) + 1, 2**63 - 1])
def test_what_is_packed_is_whole(sums: list[int]) -> None:
    """And as short as it can be: from the first sum that is not 0 to the last, none too wide."""
    blob = lanes.packed(sums)

    assert number(sums) == lanes.unpacked(blob)
    assert len(blob) == lanes.length(b"?" + blob, 1)
    places = [place for place, one in enumerate(sums) if one]
    lanes_count = places[-1] - places[0] + 1 if places else 0
    width = next(w for w in range(1, 9) if all(abs(one) < 2 ** (8 * w - 1) for one in sums))
    assert 3 + width * lanes_count == len(blob)


@given(several, several)
@example([], [])
@example([127], [1])
@example([0, 0, 5], [3])
def test_what_is_packed_is_added_as_such(one: list[int], other: list[int]) -> None:
    """And packed again."""
    sums = list(map(add, whole(one), whole(other)))

    assert lanes.packed(sums) == lanes.added(lanes.packed(one), lanes.packed(other))


def test_those_of_a_later_version_do_no_harm() -> None:
    """It has more lanes: of fewer each is what it is."""
    total = number([7, -7, *[-5] * 50])

    assert [7, -7, -5] == lanes.sums(total, 3)


@pytest.mark.parametrize(
    "blob", [b"", b"\0", b"\0\1", b"\0\1\1", b"\0\1\x08" + bytes(9), b"\0\2\2abc", b"garbage"]
)
def test_others_are_refused(blob: bytes) -> None:
    """What `packed` did not make."""
    with pytest.raises(ValueError, match="no sums"):
        lanes.unpacked(blob)


def test_nothing_is_added_to_more_lanes_than_there_are() -> None:
    """Who claims to end beyond them is refused as all others are."""
    with pytest.raises(ValueError, match="no sums"):
        lanes.added(b"\xc8\x64\1" + bytes([1] * 100), lanes.packed([1]))


def test_there_is_an_end() -> None:
    """More lanes than one byte can tell are refused, and lost by nobody unseen."""
    with pytest.raises(OverflowError):
        lanes.packed([*[0] * 255, 1])

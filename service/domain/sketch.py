"""How often something fell where: a tally of integers, and the latencies it can stand for. Pure.

Latencies fall into buckets whose bounds grow by 2 %, as in DDSketch (Masson, Rim, Lee: "DDSketch: A
Fast and Fully-Mergeable Quantile Sketch", VLDB 2019), so that a quantile is within 1 % of the exact
one. Counts are integers: tallies merged in any order are the same tally.
"""

from __future__ import annotations

import math
import struct
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Literal

from service.domain.lanes import widened

Tally = dict[int, int]
"""How often, by where. Nothing stands for 0."""

ACCURACY = 0.01
"""By so much of itself a quantile may be wrong."""
_GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
LEAST_S = 1e-6
MOST_S = 1e5
"""What is shorter or longer counts as this much."""
BOUNDS = tuple(
    LEAST_S * _GROWTH**place
    for place in range(math.ceil(math.log(MOST_S / LEAST_S) / math.log(_GROWTH)))
)
"""The longest latency of each bucket but the last: `bisect_left` finds the place of one."""
# As far from the lower bound as from the upper one, relatively.
_LATENCIES = (LEAST_S, *(bound * 2 / (1 + _GROWTH) for bound in BOUNDS[1:]), MOST_S)

_SPARSE, _DENSE = 1, 2
_DENSE_MARK = bytes((_DENSE,))
_FORMATS: Mapping[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
_HEAD = struct.Struct("<BB")
_DENSE_HEAD = struct.Struct("<BBH")
_LANE_BYTES = 8


def bucket(seconds: float) -> int:
    """Where a latency falls."""
    return bisect_left(BOUNDS, seconds)


def latency(place: int) -> float:
    """The seconds that a bucket stands for."""
    return _LATENCIES[place]


def less(tally: Mapping[int, int], part: Mapping[int, int]) -> Tally:
    """What is left of a tally without a part of it."""
    left = {place: times - part.get(place, 0) for place, times in tally.items()}
    return {place: times for place, times in left.items() if times > 0}


def count(tally: Mapping[int, int]) -> int:
    return sum(tally.values())


def quantile(tally: Mapping[int, int], share: float) -> float | None:
    """The latency that `share` of those counted do not exceed, in seconds; None if none was."""
    rank = math.ceil(share * count(tally)) or 1
    passed = 0
    for place in sorted(tally):
        passed += tally[place]
        if passed >= rank:
            return latency(place)
    return None


def mean(tally: Mapping[int, int]) -> float | None:
    """In seconds, as exact as a quantile; None if nothing was counted."""
    counted = count(tally)
    if not counted:
        return None
    return sum(latency(place) * times for place, times in tally.items()) / counted


def add(to: Tally, tally: Mapping[int, int]) -> None:
    """Merges in place."""
    if not to:
        # Several times as fast, and many are added to nothing.
        to.update(tally)
        return
    have = to.get
    for place, times in tally.items():
        to[place] = have(place, 0) + times


def merged(tallies: Iterable[Mapping[int, int]]) -> Tally:
    found: Tally = {}
    for tally in tallies:
        add(found, tally)
    return found


def packed(tally: Mapping[int, int]) -> bytes:
    """The same bytes for the same tally, little-endian; b"" for none. Whichever form is smaller:

    sparse: 1, width of a count, 16-bit places in ascending order, as many counts;
    dense: 2, width of a count, the first place in 16 bits, the counts from there to the last place.
    """
    if not tally:
        return b""
    places = sorted(tally)
    first, number = places[0], len(places)
    range_length = places[-1] - first + 1
    largest = max(tally.values())
    width, letter = next(item for item in _FORMATS.items() if largest >> (8 * item[0]) == 0)
    if 2 + range_length * width <= number * (2 + width):
        counts = map(tally.get, range(first, first + range_length), repeat(0))
        return struct.pack(f"<BBH{range_length}{letter}", _DENSE, width, first, *counts)
    counts = map(tally.__getitem__, places)
    return struct.pack(f"<BB{number}H{number}{letter}", _SPARSE, width, *places, *counts)


def unpacked(blob: bytes) -> Tally:
    """Raises ValueError for what `packed` did not make."""
    return sum_of((blob,))


def sum_of(blobs: Iterable[bytes]) -> Tally:
    """Of many that are packed. Raises ValueError as above."""
    found: Tally = {}
    dense: list[tuple[int, bytes | bytearray]] = []
    try:
        for blob in blobs:
            if blob and blob[0] == _DENSE:
                dense.append(_lanes(blob))
            elif blob:
                _add_sparse(found, blob)
    except (IndexError, KeyError, struct.error):
        raise ValueError("this is no tally") from None
    if dense:
        _add_dense(found, dense)
    return found


def added(one: bytes, other: bytes) -> bytes:
    """The sum of two that are packed. Raises ValueError as above."""
    found = _added_in_place(one, other)
    return packed(sum_of((one, other))) if found is None else found


def _added_in_place(many: bytes, few: bytes) -> bytes | None:
    """A tenth of the work, where what is added falls within the other: None where it does not."""
    if many[:1] != _DENSE_MARK or sys.byteorder != "little":
        return None
    try:
        _, width, first = _DENSE_HEAD.unpack_from(many)
        blob = bytearray(many)
        counts = memoryview(blob)[_DENSE_HEAD.size :].cast(_FORMATS[width])
        for place, times in _dense(few) if few[:1] == _DENSE_MARK else _sparse(few):
            if place < first:
                return None
            counts[place - first] += times
    except (IndexError, KeyError, TypeError, ValueError, struct.error):
        # It is no tally, a count has become too large, or its place is beyond the last.
        return None
    return bytes(blob)


def _dense(blob: bytes) -> Iterator[tuple[int, int]]:
    _, width, first = _DENSE_HEAD.unpack_from(blob)
    counts = memoryview(blob)[_DENSE_HEAD.size :].cast(_FORMATS[width])
    return (item for item in enumerate(counts, first) if item[1])


def _add_sparse(to: Tally, blob: bytes) -> None:
    add(to, dict(_sparse(blob)))


def _sparse(blob: bytes) -> Iterator[tuple[int, int]]:
    version, width = _HEAD.unpack_from(blob)
    number, rest = divmod(len(blob) - _HEAD.size, 2 + width)
    if version != _SPARSE or rest:
        raise ValueError("this is no tally")
    found = struct.unpack_from(f"<{number}H{number}{_FORMATS[width]}", blob, _HEAD.size)
    return zip(found[:number], found[number:], strict=True)


def _lanes(blob: bytes) -> tuple[int, bytes | bytearray]:
    """The first place, and the counts in 8 bytes each."""
    _, width, first = _DENSE_HEAD.unpack_from(blob)
    _ = _FORMATS[width]
    counts = blob[_DENSE_HEAD.size :]
    number, rest = divmod(len(counts), width)
    if rest or first + number > 1 << 16:
        raise ValueError("this is no tally")
    return first, widened(counts, width, number)


def _add_dense(to: Tally, dense: Sequence[tuple[int, bytes | bytearray]]) -> None:
    # One sum of large numbers, in whose lanes the counts stand: several times as fast as a loop.
    first = min(place for place, _ in dense)
    total = sum(
        int.from_bytes(lanes, "little") << 8 * _LANE_BYTES * (place - first)
        for place, lanes in dense
    )
    number = max(place - first + len(lanes) // _LANE_BYTES for place, lanes in dense)
    counts = struct.unpack(f"<{number}Q", total.to_bytes(_LANE_BYTES * number, "little"))
    add(to, {place: times for place, times in enumerate(counts, first) if times})

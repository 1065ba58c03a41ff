"""How often something fell where: a tally of integers, and the latencies it can stand for. Pure.

Latencies fall into buckets whose bounds grow by 2 %, as in DDSketch (Masson, Rim, Lee: "DDSketch: A
Fast and Fully-Mergeable Quantile Sketch", VLDB 2019), so that a quantile is within 1 % of the exact
one. Counts are integers: tallies merged in any order are the same tally.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping

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

_VERSION = 1
_WIDTHS = ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))
_FORMATS = dict(_WIDTHS)
_HEAD_BYTES = 2


def bucket(seconds: float) -> int:
    """Where a latency falls."""
    return bisect_left(BOUNDS, seconds)


def latency(place: int) -> float:
    """The seconds that a bucket stands for."""
    return _LATENCIES[place]


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
    have = to.get
    for place, times in tally.items():
        to[place] = have(place, 0) + times


def merged(tallies: Iterable[Mapping[int, int]]) -> Tally:
    found: Tally = {}
    for tally in tallies:
        add(found, tally)
    return found


def packed(tally: Mapping[int, int]) -> bytes:
    """The same bytes for the same tally: version, width of a count, places, counts. b"" for none.

    Places are unsigned 16-bit integers in ascending order, all is little-endian.
    """
    if not tally:
        return b""
    places = sorted(tally)
    counts = [tally[place] for place in places]
    largest = max(counts)
    width, letter = next(item for item in _WIDTHS if largest >> (8 * item[0]) == 0)
    number = len(places)
    return struct.pack(f"<BB{number}H{number}{letter}", _VERSION, width, *places, *counts)


def unpacked(blob: bytes) -> Tally:
    """Raises ValueError for what `packed` did not make."""
    if not blob:
        return {}
    try:
        version, width = blob[0], blob[1]
        number, rest = divmod(len(blob) - _HEAD_BYTES, 2 + width)
        if version != _VERSION or rest:
            raise ValueError("this is no tally")
        found = struct.unpack_from(f"<{number}H{number}{_FORMATS[width]}", blob, _HEAD_BYTES)
    except (IndexError, KeyError, struct.error):
        raise ValueError("this is no tally") from None
    return dict(zip(found[:number], found[number:], strict=True))

"""How often something fell where: a tally of integers, and the latencies it can stand for. Pure.

Latencies fall into buckets whose bounds grow by 2 %, as in DDSketch (Masson, Rim, Lee: "DDSketch: A
Fast and Fully-Mergeable Quantile Sketch", VLDB 2019), so that a quantile is within 1 % of the exact
one. Counts are integers: tallies merged in any order are the same tally.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping

Tally = dict[int, int]
"""How often, by where. Nothing stands for 0."""

ACCURACY = 0.01
"""By so much of itself a quantile may be wrong."""
_LOG_GROWTH = math.log((1 + ACCURACY) / (1 - ACCURACY))
PER_LOG = 1.0 / _LOG_GROWTH
LEAST_S = 1e-6
MOST_S = 1e5
"""What is shorter or longer counts as this much: so there are at most 1,267 buckets."""
OFFSET = 1 - math.ceil(math.log(LEAST_S) * PER_LOG)
"""The least latency falls into bucket 1."""
BUCKETS_MAX = math.ceil(math.log(MOST_S) * PER_LOG) + OFFSET
# What a bucket stands for is as far from its lower bound as from its upper one, relatively.
_MIDDLE = 2.0 / (1.0 + (1 + ACCURACY) / (1 - ACCURACY))

_VERSION = 1
_WIDTHS = ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))
_FORMATS = dict(_WIDTHS)
_HEAD_BYTES = 2


def bucket(seconds: float) -> int:
    """Where a latency falls."""
    return math.ceil(math.log(min(max(seconds, LEAST_S), MOST_S)) * PER_LOG) + OFFSET


def latency(place: int) -> float:
    """The seconds that a bucket stands for."""
    return _MIDDLE * math.exp((place - OFFSET) * _LOG_GROWTH)


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

"""Many sums as one number, so that one addition adds all of them. Pure.

Each sum has a lane of 64 bits: the number is the sum of `sums[place] * 2**(64 * place)`, and may be
added to others of its kind as it is. A sum is less than 2**63 on either side of 0.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_BYTES = 8
_BITS = 8 * _BYTES
_MAX = 255
_MASK = 2**_BITS - 1
_HALF = 2 ** (_BITS - 1)
_HEAD_BYTES = 3
_NOTHING = bytes((0, 0, 1))


def _ones(bit: int) -> Sequence[int]:
    """By the number of lanes: this bit of each."""
    return tuple(sum(1 << _BITS * at + bit for at in range(count)) for count in range(_MAX + 1))


# By the bytes of a lane that are used: that bit of them which tells whether it is below 0.
_SIGNS = {width: _ones(8 * width - 1) for width in range(1, _BYTES + 1)}
# Added to a number these make every lane positive, so that none borrows from the next.
_HALVES = _SIGNS[_BYTES]


def _number(lanes: bytes | bytearray, signs: int) -> int:
    found = int.from_bytes(lanes, "little")
    # Few are below 0: then each has to borrow from the next.
    return (found ^ signs) - signs if found & signs else found


def sums(number: int, count: int) -> list[int]:
    """Those of the first `count` lanes."""
    return list(struct.unpack(f"<{count}q", _lanes(number, count)))


def _lanes(number: int, count: int) -> bytes:
    """The first ones, 8 bytes each, signed and little-endian."""
    halves = _HALVES[count]
    lanes = ((number + halves) & ((1 << _BITS * count) - 1)) ^ halves
    return lanes.to_bytes(_BYTES * count, "little")


def at(number: int, place: int) -> int:
    """One of the sums."""
    return (((number + _HALVES[place + 1]) >> _BITS * place) & _MASK) - _HALF


def packed(sums: Sequence[int]) -> bytes:
    """The first place that is not 0, how many there are from it to the last such, and in how many
    bytes, in a byte each; then these, signed and little-endian. Raises OverflowError from place 255
    on, and struct.error where a sum is too large.
    """
    places = [place for place, one in enumerate(sums) if one]
    if not places:
        return _NOTHING
    first, end = places[0], places[-1] + 1
    if end > _MAX:
        raise OverflowError("so many lanes")
    told = sums[first:end]
    width = max(map(int.bit_length, told)) // 8 + 1
    lanes = struct.pack(f"<{len(told)}q", *told)
    blob = bytearray(_HEAD_BYTES + width * len(told))
    blob[:_HEAD_BYTES] = first, len(told), width
    for byte in range(width):
        blob[_HEAD_BYTES + byte :: width] = lanes[byte::_BYTES]
    return bytes(blob)


def length(blob: bytes, at: int) -> int:
    """How many bytes what was packed takes that begins there. Raises IndexError at the end."""
    return _HEAD_BYTES + blob[at + 1] * blob[at + 2]


def unpacked(blob: bytes) -> int:
    """Raises ValueError for what `packed` did not make."""
    try:
        first, count, width = blob[:_HEAD_BYTES]
        signs = _SIGNS[width][count]
        lanes = widened(blob[_HEAD_BYTES:], width, count)
    except (KeyError, ValueError):
        raise ValueError("these are no sums") from None
    if len(lanes) != _BYTES * count:
        raise ValueError("these are no sums")
    return _number(lanes, signs) << _BITS * first


def widened(narrow: bytes, width: int, count: int) -> bytes | bytearray:
    """To 8 bytes each, from `width`. Raises ValueError where there are fewer than `count`."""
    if width == _BYTES:
        return narrow
    lanes = bytearray(_BYTES * count)
    for byte in range(width):
        # Column by column: several times as fast as one by one.
        lanes[byte::_BYTES] = narrow[byte::width]
    return lanes


def added(one: bytes, other: bytes) -> bytes:
    """Of two that are packed. Raises ValueError as above."""
    number = unpacked(one) + unpacked(other)
    count = max(blob[0] + blob[1] for blob in (one, other))
    if count > _MAX:
        raise ValueError("these are no sums")
    return packed(sums(number, count))

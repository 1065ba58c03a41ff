"""Remembers whom the small queue turned away, so that who comes back is known. No keys, no values.

One array with 8 bytes a slot: half a fingerprint of the key, and half the number of the departure.
Two keys that want the same slot: the later one has it. A foreign key is taken for a known one once
in 2**31 times, and then only lives longer.
"""

from __future__ import annotations

from array import array

_HALF = 0xFFFF_FFFF
_SLOTS_MIN = 64


class Ghost:
    """The last departures, as many as the caller says at each question."""

    __slots__ = ("_departed_count", "_slots")

    def __init__(self) -> None:
        self._departed_count = 0
        self._slots = array("Q", bytes(8 * _SLOTS_MIN))

    def __repr__(self) -> str:
        return f"<Ghost {self._departed_count} departed, {len(self._slots)} slots>"

    def remember(self, key: bytes) -> None:
        digest = hash(key)
        self._departed_count = (self._departed_count + 1) & _HALF
        slot = (digest >> 32) & (len(self._slots) - 1)
        self._slots[slot] = ((digest & _HALF) | 1) << 32 | self._departed_count

    def recall(self, key: bytes, last_count: int) -> bool:
        """Whether the key is among the last ones that departed. It is no longer, from now on."""
        digest = hash(key)
        slot = (digest >> 32) & (len(self._slots) - 1)
        found = self._slots[slot]
        if found >> 32 != (digest & _HALF) | 1:
            return False
        self._slots[slot] = 0
        return (self._departed_count - found) & _HALF < last_count

    def fit(self, last_count: int) -> None:
        """Gives so many the room that they need, between two slots for each and eight.

        Forgets everybody if that takes another array, which is rare.
        """
        size = len(self._slots)
        if size < 2 * last_count or size > max(8 * last_count, _SLOTS_MIN):
            wanted = max(2 * last_count, _SLOTS_MIN)
            self._slots = array("Q", bytes(8 << (wanted - 1).bit_length()))

"""Finds the entries whose time is over, in constant time, without looking at any other.

Entries that expire at about the same time share a ring. "About" is a 16th of the time that an
entry had to live, and at least a second; so there are few rings, however many entries there are.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Generic

from service.caches.entry import Entry, V, ring_end

_PRECISION_BITS = 5


class Expiry(Generic[V]):
    """Which entry is due. Moments are in seconds, on any clock."""

    __slots__ = ("_moments", "_rings")

    def __init__(self) -> None:
        self._rings: dict[int, Entry[V]] = {}
        """By the moment when all in the ring have expired."""
        self._moments: list[int] = []
        """A heap of the same."""

    def __repr__(self) -> str:
        return f"<Expiry {len(self._moments)} moments>"

    def add(self, entry: Entry[V], now: float) -> None:
        lifetime_s = int(entry.expires_at - now)
        shift = max(lifetime_s.bit_length() - _PRECISION_BITS, 0)
        moment = ((int(entry.expires_at) >> shift) + 1) << shift
        end = self._rings.get(moment)
        if end is None:
            end = self._rings[moment] = ring_end()
            end.sooner = end.later = end
            heappush(self._moments, moment)
        last = end.sooner
        entry.sooner = last
        entry.later = end
        last.later = end.sooner = entry

    def remove(self, entry: Entry[V]) -> None:
        entry.sooner.later = entry.later
        entry.later.sooner = entry.sooner

    def due(self, now: float) -> Entry[V] | None:
        """An entry whose time is over. It stays until it is removed."""
        moments = self._moments
        while moments and moments[0] <= now:
            end = self._rings[moments[0]]
            if end.later is not end:
                return end.later
            # Only now, since a ring that was left may be joined again.
            del self._rings[heappop(moments)]
            del end.sooner, end.later
        return None

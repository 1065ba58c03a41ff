"""Decides who leaves for want of room: S3-FIFO, "FIFO queues are all you need for cache eviction"
(Yang et al., SOSP 2023), with shares of bytes and of entries.

Newcomers pass through a small queue. Who was asked for twice there goes on to the main one, and so
does who comes back soon after he left. All others leave, so a scan never reaches the main queue.
"""

from __future__ import annotations

from typing import Generic

from service.caches.entry import Entry, Fifo, V
from service.caches.ghost import Ghost

HITS_MAX = 3
"""More need not be counted: it is how often the main queue lets an entry go round."""
_SMALL_SHARE = 10
"""The small queue has one part of so many; it may take what nobody else needs."""
_PROVEN_HITS = 2
_STEPS_MAX = 200
"""Nobody waits for a longer search than this."""


class S3Fifo(Generic[V]):
    """The queues. Each entry of the cache is in one of them."""

    __slots__ = ("_ghost", "_main", "_small")

    def __init__(self) -> None:
        self._small: Fifo[V] = Fifo()
        self._main: Fifo[V] = Fifo()
        self._ghost = Ghost()

    def __repr__(self) -> str:
        return f"<S3Fifo small {self._small}, main {self._main}, {self._ghost}>"

    @property
    def bytes(self) -> int:
        """Of all entries."""
        return self._small.bytes + self._main.bytes

    @property
    def count(self) -> int:
        return self._small.count + self._main.count

    def join(self, entry: Entry[V]) -> None:
        known = self._ghost.recall(entry.key, self.count)
        (self._main if known else self._small).push(entry)

    def rejoin(self, entry: Entry[V], before: Entry[V]) -> None:
        """A new value is as well known as the one `before` it, which has left."""
        entry.hit_count = before.hit_count
        before.fifo.push(entry)

    def evict(self, bytes_max: int, entries_max: int) -> Entry[V]:
        """Who had to leave. There must be an entry; the bounds are those of the whole cache."""
        small, main = self._small, self._main
        for _ in range(_STEPS_MAX):
            if small.count and (
                not main.count
                or small.bytes * _SMALL_SHARE >= bytes_max
                or small.count * _SMALL_SHARE >= entries_max
            ):
                entry = small.oldest
                small.remove(entry)
                if entry.hit_count < _PROVEN_HITS:
                    self._ghost.fit(self.count)
                    self._ghost.remember(entry.key)
                    return entry
                entry.hit_count = 0
            else:
                entry = main.oldest
                main.remove(entry)
                if not entry.hit_count:
                    return entry
                entry.hit_count -= 1
            main.push(entry)
        entry = main.oldest
        main.remove(entry)
        return entry

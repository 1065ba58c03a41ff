"""One entry of the cache in memory, and a line of them in the order in which they came.

Links are in the entries themselves: that costs the least memory, and any entry can leave at once.
"""

from __future__ import annotations

from typing import Generic, TypeVar, cast

V = TypeVar("V")


class Entry(Generic[V]):
    """Stands in one Fifo, and in one ring of those that expire at about the same time."""

    __slots__ = (
        "expires_at",
        "fifo",
        "hit_count",
        "key",
        "later",
        "newer",
        "older",
        "size_bytes",
        "sooner",
        "value",
    )

    def __init__(self, key: bytes, value: V, size_bytes: int, expires_at: float) -> None:
        self.key = key
        self.value = value
        self.size_bytes = size_bytes
        """With all that keeping it takes."""
        self.expires_at = expires_at
        self.hit_count = 0
        """No more than is of use to know."""
        # Those who take it in set these.
        self.fifo: Fifo[V]
        self.older: Entry[V]
        self.newer: Entry[V]
        self.sooner: Entry[V]
        self.later: Entry[V]

    def __repr__(self) -> str:
        return (
            f"<Entry {self.key.hex()[:8]}, {self.size_bytes} bytes, {self.hit_count} hits,"
            f" until {self.expires_at:.1f}>"
        )

    def cut(self) -> None:
        """Unties it from the others, all of whom go: so they are freed without the collector."""
        del self.fifo, self.older, self.newer, self.sooner, self.later


def ring_end() -> Entry[V]:
    """What closes a ring, so that no entry is the first or the last. It holds nothing."""
    return Entry(b"", cast("V", None), 0, 0.0)


class Fifo(Generic[V]):
    """First in, first out, and anyone may leave earlier."""

    __slots__ = ("_end", "bytes", "count")

    def __init__(self) -> None:
        self.bytes = 0
        self.count = 0
        end: Entry[V] = ring_end()
        self._end = end.older = end.newer = end

    def __repr__(self) -> str:
        return f"<Fifo {self.count} entries, {self.bytes} bytes>"

    @property
    def oldest(self) -> Entry[V]:
        """There must be one."""
        return self._end.newer

    def push(self, entry: Entry[V]) -> None:
        end = self._end
        last = end.older
        entry.older = last
        entry.newer = end
        last.newer = end.older = entry
        entry.fifo = self
        self.bytes += entry.size_bytes
        self.count += 1

    def remove(self, entry: Entry[V]) -> None:
        entry.older.newer = entry.newer
        entry.newer.older = entry.older
        self.bytes -= entry.size_bytes
        self.count -= 1

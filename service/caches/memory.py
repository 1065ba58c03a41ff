"""The first level of the cache: in the memory of this process, bounded in bytes and in entries.

Ours, since no library does all of it: moka-py comes nearest, but went 63 % over its bound between
two rounds of its maintenance, cannot look for what an invalidation makes void, and has a clock of
its own; theine counts no bytes; in cachetools and cachebox nothing that expires resists a scan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from service.caches.entry import Entry, V
from service.caches.expiry import Expiry
from service.caches.s3_fifo import HITS_MAX, S3Fifo

OVERHEAD_BYTES = 400
"""What an entry takes besides its key and its value; measured, see the tests."""
LARGEST_SHARE = 4
"""A value that would take more than one part of so many of all bytes is not kept: too many others
would have to leave for it."""
_LIFETIME_MAX_S = 366 * 86_400.0
_SWEPT_MAX = 16
"""Expired entries that one `put` frees, besides those whose room it needs."""
_MIB = 1024 * 1024


class Memory(Generic[V]):
    """Values under keys of bytes, each for its time. Not for several threads.

    Expired entries leave before any that has not. `bytes` never exceeds `bytes_max`, and what is
    there never exceeds `entries_max`; both may be changed at any time, and what no longer fits
    leaves at once. Either may be 0: then nothing is kept.
    """

    def __init__(self, bytes_max: int, entries_max: int) -> None:
        self.store_count = 0
        self.eviction_count = 0
        """Those who left before their time, for want of room."""
        self.expired_count = 0
        self._bytes_max = bytes_max
        self._entries_max = entries_max
        self._now = 0.0
        self._forget()

    def _forget(self) -> None:
        self._entries: dict[bytes, Entry[V]] = {}
        self._peak_count = 0
        self._queues: S3Fifo[V] = S3Fifo()
        self._expiry: Expiry[V] = Expiry()

    def __repr__(self) -> str:
        return (
            f"<Memory {len(self)} of {self._entries_max} entries,"
            f" {self.bytes / _MIB:.1f} of {self._bytes_max / _MIB:.1f} MiB,"
            f" {self.eviction_count} evicted, {self.expired_count} expired>"
        )

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: bytes) -> bool:
        """Whether it takes room, be its time over or not."""
        return key in self._entries

    @property
    def bytes(self) -> int:
        """What the entries take, with keys and all that it takes to keep them."""
        return self._queues.bytes

    @property
    def bytes_max(self) -> int:
        return self._bytes_max

    @bytes_max.setter
    def bytes_max(self, most: int) -> None:
        self._bytes_max = most
        self._make_room(0, 0)

    @property
    def entries_max(self) -> int:
        return self._entries_max

    @entries_max.setter
    def entries_max(self, most: int) -> None:
        self._entries_max = most
        self._make_room(0, 0)

    def get(self, key: bytes, now: float) -> V | None:
        """The value; None if it is unknown or has expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at <= now:
            self._expire(entry)
            return None
        if entry.hit_count < HITS_MAX:
            entry.hit_count += 1
        return entry.value

    def put(self, key: bytes, value: V, size_bytes: int, expires_at: float, now: float) -> bool:
        """Keeps a value of so many bytes, in place of the one under that key, until `expires_at`.

        False if it is too large to be kept, or has expired: then there is none under that key.
        Takes some microseconds; once in a while the dict of the entries is copied, and that takes
        0.1 us more for each of them.
        """
        self._now = now
        self._sweep()
        before = self._entries.get(key)
        if before is not None and before.expires_at <= now:
            self._expire(before)
        elif before is not None:
            self._remove(before)
        size_bytes += len(key) + OVERHEAD_BYTES
        if not self._may_be_kept(size_bytes, expires_at):
            return False
        self._make_room(size_bytes, 1)
        entry = Entry(key, value, size_bytes, min(expires_at, now + _LIFETIME_MAX_S))
        if before is None:
            self._queues.join(entry)
        else:
            self._queues.rejoin(entry, before)
        self._expiry.add(entry, now)
        self._entries[key] = entry
        self.store_count += 1
        return True

    def remove(self, key: bytes) -> bool:
        """Whether it was there."""
        entry = self._entries.get(key)
        if entry is None:
            return False
        self._remove(entry)
        return True

    def remove_where(self, holds: Callable[[bytes, V], bool]) -> int:
        """How many there were. `holds` must not touch the cache.

        Nothing else runs meanwhile. Of a million entries: 0.1 s to ask all, without what `holds`
        takes, and 1 s to remove all.
        """
        found = [entry for entry in self._entries.values() if holds(entry.key, entry.value)]
        for entry in found:
            self._remove(entry)
        return len(found)

    def clear(self) -> int:
        """How many there were. The counters stay."""
        entries = self._entries
        self._forget()
        for entry in entries.values():
            entry.cut()
        return len(entries)

    def _may_be_kept(self, size_bytes: int, expires_at: float) -> bool:
        return (
            size_bytes * LARGEST_SHARE <= self._bytes_max
            and self._entries_max > 0
            and expires_at > self._now
        )

    def _make_room(self, size_bytes: int, count: int) -> None:
        entries = self._entries
        while entries and (
            self._queues.bytes + size_bytes > self._bytes_max
            or len(entries) + count > self._entries_max
        ):
            entry = self._expiry.due(self._now)
            if entry is not None:
                self._expire(entry)
                continue
            entry = self._queues.evict(self._bytes_max, self._entries_max)
            if entry.expires_at <= self._now:
                self.expired_count += 1
            else:
                self.eviction_count += 1
            self._expiry.remove(entry)
            del entries[entry.key]

    def _sweep(self) -> None:
        for _ in range(_SWEPT_MAX):
            entry = self._expiry.due(self._now)
            if entry is None:
                break
            self._expire(entry)
        count = len(self._entries)
        if count > self._peak_count:
            self._peak_count = count
        elif count * 2 < self._peak_count:
            # A dict does not shrink by itself.
            self._entries = dict(self._entries)
            self._peak_count = count

    def _expire(self, entry: Entry[V]) -> None:
        self._remove(entry)
        self.expired_count += 1

    def _remove(self, entry: Entry[V]) -> None:
        entry.fifo.remove(entry)
        self._expiry.remove(entry)
        del self._entries[entry.key]

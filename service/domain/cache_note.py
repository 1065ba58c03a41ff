"""What the answer cache had to do with one answer."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class CacheStatus(Enum):
    """Where an answer came from, as in `CacheInfo.Status`."""

    MISS = "miss"
    HIT_LOCAL = "hit_local"
    HIT_SHARED = "hit_shared"
    COALESCED = "coalesced"
    BYPASSED = "bypassed"
    REFRESHED = "refreshed"
    REPEATED = "repeated"

    # Every call is looked up by it several times, and the hash of Enum is computed in Python.
    __hash__ = object.__hash__


class CacheNote(NamedTuple):
    """`key` is empty where the cache was not asked; `age_s` is 0 for a new answer."""

    status: CacheStatus
    key: bytes = b""
    age_s: float = 0.0


ASKED = frozenset({CacheStatus.MISS, CacheStatus.REFRESHED, CacheStatus.BYPASSED})
"""Where a provider was asked, for this request."""
REPLAYED = frozenset({CacheStatus.HIT_LOCAL, CacheStatus.HIT_SHARED, CacheStatus.REPEATED})
"""Where an answer that was whole before is told again."""
BYPASSED = CacheNote(CacheStatus.BYPASSED)

"""Which node of a cluster has which keys, as one of them tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.crc import key_slot

from service.redis_door.line import Line

SLOTS_COUNT = 16384


@dataclass(frozen=True, slots=True)
class Slots:
    """Those from `first` to `last` are at one node."""

    first: int
    last: int
    host: str
    port: int


def slot_of(key: bytes) -> int:
    """Where a cluster keeps it. Of a key that holds `{tag}` only the tag counts."""
    return key_slot(key)


async def slots_by(node: Line) -> list[Slots]:
    """As that node sees them. Raises what `exchange` does, and ValueError for what is no answer."""
    (told,) = await node.exchange([("CLUSTER", "SLOTS")])
    if isinstance(told, Exception):
        raise told
    try:
        found = [_slots(row, node.host) for row in told]
    except (TypeError, ValueError, AttributeError):
        raise ValueError("this is no list of slots") from None
    if not all(0 <= part.first <= part.last < SLOTS_COUNT for part in found):
        raise ValueError("there are no such slots")
    return sorted(found, key=lambda part: part.first)


def _slots(row: Any, asked: str) -> Slots:
    first, last, (host, port, *_) = row[:3]
    # A node that does not know its own name leaves it out.
    name = "" if host is None else host.decode()
    return Slots(int(first), int(last), asked if name in ("", "?") else name, int(port))

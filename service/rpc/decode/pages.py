"""Page tokens: where the next page begins, and to which query that belongs. Pure.

A token gives nobody a right: whoever forges one learns what they may ask for anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, NamedTuple

import orjson
from google.protobuf.message import Message

EPOCH_MAX_S = 253_402_300_800.0
"""No moment of the contract lies beyond: the year 9999."""
_VERSION = 1
_DIGEST_BYTES = 12


class Place(NamedTuple):
    """The next cell of a query about this time, in seconds since the epoch: it stays the same from
    page to page, whatever the time is.
    """

    start: float
    end: float
    offset: int


def digest(method: str, scope: str | None, query: Message, *apart: str) -> str:
    """Of all that decides the cells. The fields `apart` may differ from page to page."""
    bare = type(query)()
    bare.CopyFrom(query)
    for name in apart:
        bare.ClearField(name)
    words = (method.encode(), repr(scope).encode(), bare.SerializeToString(deterministic=True))
    return hashlib.blake2b(b"\0".join(words), digest_size=_DIGEST_BYTES).hexdigest()


def token_of(query_digest: str, place: Place) -> str:
    packed = orjson.dumps([_VERSION, query_digest, *place])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def place_of(token: str, query_digest: str) -> Place:
    """Raises ValueError, in words for the caller, for a token that is not of this query."""
    try:
        padded = token.encode() + b"=" * (-len(token) % 4)
        unpacked: Any = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
        version, belongs_to, start, end, offset = unpacked
        place = Place(float(start), float(end), int(offset))
    except (binascii.Error, UnicodeError, ValueError, TypeError, OverflowError):
        raise ValueError("is no token that this service gave") from None
    in_time = 0 <= place.start <= place.end < EPOCH_MAX_S
    if version != _VERSION or not in_time or place.offset < 0:
        raise ValueError("is no token that this service gave")
    if belongs_to != query_digest:
        raise ValueError("belongs to another query: all but page_size must be as it was")
    return place

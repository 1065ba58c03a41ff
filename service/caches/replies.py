"""Which replies a Redis gives to what we ask. Whatever else comes is nonsense. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

OTHER_TYPE = b""
"""In place of a value that is no string: it is no answer either."""


class NonsenseError(Exception):
    """Well-formed, and no reply of a Redis to that command."""


def to_set(reply: Any) -> Any:
    """The reply to a SET without conditions, or an Exception in place of it."""
    if isinstance(reply, Exception) or reply == b"OK":
        return reply
    return NonsenseError("this is no reply to SET")


def values(reply: Any, count: int) -> Sequence[bytes | None]:
    """So many values. Raises NonsenseError, and the error that came in place of one."""
    if isinstance(reply, Exception):
        raise reply
    if not isinstance(reply, list) or len(reply) != count:
        raise NonsenseError("not as many values as keys")
    return [_value(value) for value in reply]


def _value(value: Any) -> bytes | None:
    if isinstance(value, Exception):
        if str(value).startswith("WRONGTYPE"):
            return OTHER_TYPE
        raise value
    if value is not None and not isinstance(value, bytes):
        raise NonsenseError("a value is no bytes")
    return value

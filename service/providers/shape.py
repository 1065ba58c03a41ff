"""Reads fields of a provider's JSON, and refuses what has the wrong type.

Never quotes a value: what a provider sends may be long, or not meant for anybody's log.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

_COUNT_MAX = 10**9
"""More tokens than any answer has, but at no price more of them than 2**63 nano-USD."""
_NAME_CHARS_MAX = 256


class ShapeError(ValueError):
    """An answer does not have the shape that its format says."""


def text(value: Any, what: str) -> str:
    """`value` if it is a string, "" for None. Raises ShapeError."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise ShapeError(f"{what} is no string")


def told_name(value: Any) -> str:
    """`value` if it can be a name, else "": for what is only told on, and decides nothing."""
    return value if isinstance(value, str) and len(value) <= _NAME_CHARS_MAX else ""


def record(value: Any, what: str) -> dict[str, Any]:
    """`value` if it is an object, an empty one for None. Raises ShapeError."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise ShapeError(f"{what} is no object")


def records(value: Any, what: str) -> list[dict[str, Any]]:
    """`value` if it is a list of objects, an empty one for None. Raises ShapeError."""
    return [record(item, f"an item of {what}") for item in items(value, what)]


def items(value: Any, what: str) -> Sequence[Any]:
    """`value` if it is a list, an empty one for None. Raises ShapeError."""
    if value is None:
        return ()
    if isinstance(value, list):
        return cast("list[Any]", value)
    raise ShapeError(f"{what} is no list")


def count(value: Any, what: str) -> int:
    """`value` if it is a number of things, 0 for None. Raises ShapeError."""
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _COUNT_MAX:
        return value
    raise ShapeError(f"{what} is no count")


def number(value: Any, what: str) -> float:
    """`value` as a float if it is a number. Raises ShapeError."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    raise ShapeError(f"{what} is no number")


def beyond(fields: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """What stands in `fields` outside of `known` and says something."""
    return {
        name: value
        for name, value in fields.items()
        if name not in known and value not in (None, [], {}, "")
    }

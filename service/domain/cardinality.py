"""Keeps callers from filling the ledger with names: so many of each kind an hour, the rest is one.

Pure: it is told when. Models that answered come first: names that were only asked for, or that a
provider only refused, can be made up by anybody, and never take the last half of the room.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.rollup import OTHER, Key

_HOUR_S = 3600
_CHARS_MAX = 128
_ANSWERED = ("ok", "OK")
"""The status of an attempt, and of a call, that had an answer."""


@dataclass(frozen=True, slots=True)
class NameLimits:
    """`values_max` holds for each dimension and each label."""

    values_max: int = 500
    keys_max: int = 20_000
    """Of all dimensions together; what is beyond counts for its tenant, model and status alone."""


def kept_as(value: str) -> str:
    """As much of a name as the ledger keeps."""
    return value[:_CHARS_MAX]


class Names:
    """Asked once for each record: what was said before is said again within the hour."""

    def __init__(self, limits: NameLimits) -> None:
        self._limits = limits
        self._hour = -1
        self._known: dict[Key, Key] = {}
        self._values: dict[str, set[str]] = {}

    def __repr__(self) -> str:
        return f"<Names {len(self._known)} keys>"

    def bounded(self, key: Key, at: float) -> Key:
        """The key under which a record counts that ended `at` (seconds since the epoch)."""
        hour = int(at) // _HOUR_S
        if hour > self._hour:
            self._hour = hour
            self._known.clear()
            self._values.clear()
        known = self._known.get(key)
        if known is not None:
            return known
        found = self._bounded(key)
        if len(self._known) >= self._limits.keys_max:
            return found._replace(method=OTHER, cache="", labels=())
        self._known[key] = found
        return found

    def _bounded(self, key: Key) -> Key:
        labels = tuple((name, self._value(f"label:{name}", value)) for name, value in key.labels)
        return Key(
            self._value("tenant", key.tenant),
            self._value("provider", key.provider),
            self._value("model", key.model, made_up=not (key.provider and key.status in _ANSWERED)),
            self._value("method", key.method),
            self._value("status", key.status),
            self._value("cache", key.cache),
            labels,
        )

    def _value(self, name: str, value: str, *, made_up: bool = False) -> str:
        if not value:
            return value
        value = kept_as(value)
        values = self._values.setdefault(name, set())
        if value in values:
            return value
        room = self._limits.values_max
        if len(values) >= (room // 2 if made_up else room):
            return OTHER
        values.add(value)
        return value

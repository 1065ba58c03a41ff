"""When a provider wants to be asked again, by its headers. Pure.

`retry-after-ms`, `retry-after` (RFC 9110: seconds or a date), then the moments at which the limits
that are used up start afresh: `x-ratelimit-reset-*` (OpenAI: `6m0s`), and
`anthropic-ratelimit-*-reset` (RFC 3339).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

_MILLISECOND = 0.001
_UNITS_S = {"ms": _MILLISECOND, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+\Z")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_LIMITED = ("requests", "tokens", "input-tokens", "output-tokens")
_FAMILIES = ("x-ratelimit-{what}-{limit}", "anthropic-ratelimit-{limit}-{what}")


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from now, None if no header says. `now` is in seconds since the epoch."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds * _MILLISECOND
    wish = headers.get("retry-after")
    told = _reset_s(headers, now) if wish is None else _moment_s(wish, headers, now)
    return None if told is None else max(0.0, told)


def _reset_s(headers: Mapping[str, str], now: float) -> float | None:
    """The longest wait among the limits of which nothing remains."""
    waits: list[float] = []
    for family in _FAMILIES:
        for limit in _LIMITED:
            remaining = headers.get(family.format(what="remaining", limit=limit))
            if remaining is None or _number(remaining) != 0:
                continue
            reset = headers.get(family.format(what="reset", limit=limit))
            wait_s = None if reset is None else _moment_s(reset, headers, now)
            if wait_s is not None:
                waits.append(wait_s)
    return max(waits, default=None)


def _moment_s(text: str, headers: Mapping[str, str], now: float) -> float | None:
    """A number of seconds, a duration, or a date: of this wish, from now. None for nonsense."""
    text = text.strip()
    seconds = _number(text)
    if seconds is not None:
        return seconds
    if _DURATION.match(text):
        return sum(float(value) * _UNITS_S[unit] for value, unit in _PIECE.findall(text))
    at = _date(text)
    if at is None:
        return None
    # The provider's own clock where it tells it: no two clocks agree.
    return at - (_date(headers.get("date", "")) or now)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return max(0.0, value) if value < float("inf") else None


def _date(text: str) -> float | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return parse(text).timestamp()
        except (ValueError, OverflowError):
            continue
    return None

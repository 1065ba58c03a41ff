"""Moments and spans as they are typed: `24h`, `7d`, `2026-01-31`, `2026-01-31T12:00+01:00`."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"(\d{1,9})(s|m|h|d|w)\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta:
    """Raises ArgumentTypeError, as do all here."""
    found = _SPAN.match(text)
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else _refuse(text)
    except OverflowError:
        return _refuse(text)


def moment(text: str) -> datetime:
    """Without a time zone it is UTC."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a moment such as 2026-01-31 or 2026-01-31T12:00Z, not {text!r}"
        ) from None
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)


def moment_or_span(text: str) -> datetime | timedelta:
    return span(text) if _SPAN.match(text) else moment(text)


def moment_or_ago(text: str) -> datetime:
    """A span means so long ago."""
    if not _SPAN.match(text):
        return moment(text)
    try:
        return datetime.now(UTC) - span(text)
    except OverflowError:
        raise argparse.ArgumentTypeError(
            f"must not lie before the year 1, as {text} ago does"
        ) from None


def _refuse(text: str) -> timedelta:
    raise argparse.ArgumentTypeError(f"must be a span such as 30s, 5m, 24h or 7d, not {text!r}")

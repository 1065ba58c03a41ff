"""Seconds as a duration of the contract. What it could not hold is refused, with its name."""

from __future__ import annotations

from datetime import timedelta

_CONTRACT_MAX_S = 315_576_000_000.0
"""What a google.protobuf.Duration holds at most."""


def duration_of(name: str, seconds: float, max_s: float = _CONTRACT_MAX_S) -> timedelta:
    """Raises ValueError if it is not from 0 to `max_s`."""
    if not 0 <= seconds <= max_s:
        least = f"; at most {max_s:g} can be" if max_s < seconds else ""
        raise ValueError(f"{name} cannot be {seconds} seconds{least}")
    return timedelta(seconds=seconds)

"""When a provider wants to be asked again, by its headers."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate

import pytest

from service.providers.retry_after import retry_after_s

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": formatdate(NOW + 20, usegmt=True)}, 20.0),
        ({"retry-after": formatdate(NOW - 20, usegmt=True)}, 0.0),
    ],
)
def test_retry_after(headers: Mapping[str, str], expected: float | None) -> None:
    """Milliseconds, seconds or a date; a time that has passed is now, nonsense is nothing."""
    assert expected == retry_after_s(headers, NOW)


def test_a_date_by_the_providers_own_clock() -> None:
    """A date is read against the provider's own clock where it tells it."""
    headers = {
        "date": formatdate(NOW + 1000, usegmt=True),
        "retry-after": formatdate(NOW + 1030, usegmt=True),
    }

    assert 30.0 == retry_after_s(headers, NOW)


@pytest.mark.parametrize(
    ("reset", "expected"), [("6m0s", 360.0), ("1.5s", 1.5), ("20ms", 0.02), ("1h2m", 3720.0)]
)
def test_openais_durations(reset: str, expected: float) -> None:
    """OpenAI writes how long until a limit starts afresh."""
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset}

    assert expected == pytest.approx(retry_after_s(headers, NOW))


def test_only_limits_that_are_used_up() -> None:
    """Of several limits those with something left do not count; of the others, the longest does."""
    headers = {
        "x-ratelimit-remaining-requests": "12",
        "x-ratelimit-reset-requests": "60s",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "3s",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:05Z",
    }

    assert 5.0 == retry_after_s(headers, NOW)
    assert None is retry_after_s({**headers, **dict.fromkeys(headers, "1")}, NOW)

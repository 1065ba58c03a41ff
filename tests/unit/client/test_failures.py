"""Failures by what can be done about them, and as exit codes."""

from __future__ import annotations

import pytest
from aiprovider_client.cli.failures import exit_code
from aiprovider_client.errors import BY_REASON


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("CACHE_MISS", 1),
        ("MODEL_NOT_FOUND", 5),
        ("IDEMPOTENCY_KEY_REUSED", 2),
        ("SHARED_CACHE_UNAVAILABLE", 3),
    ],
)
def test_exit_codes(reason: str, expected: int) -> None:
    """A miss is an answer, no; a narrower kind of failure keeps the exit code of the wider one."""
    assert expected == exit_code(BY_REASON[reason]("It failed.", reason=reason))

"""Failures by what can be done about them, and as exit codes."""

from __future__ import annotations

import pytest
from aiprovider_client.cli.failures import exit_code, print_failure
from aiprovider_client.errors import BY_REASON, InvalidRequestError, Violation


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


def test_mistakes_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The first of them is the service's message; the others follow it."""
    violations = [
        Violation(field="step", description="is odd"),
        Violation(field="limit", description="is negative"),
    ]
    message = "step: is odd (and 1 more, see the details)"

    print_failure(
        InvalidRequestError(message, violations=violations), as_json=False, with_route=False
    )

    told = capsys.readouterr().err
    assert 1 == told.count("step: is odd")
    assert "\n  limit: is negative\n" in told

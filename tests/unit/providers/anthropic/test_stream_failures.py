"""Streams of the family that go wrong."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.anthropic import Anthropic
from service.providers.wire import SseEvent
from tests.unit.providers.anthropic.answering import (
    TEXT,
    broken,
    end,
    json_delta,
    said,
    start,
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, Reason.PROVIDER_UNAVAILABLE),
        ({"type": "rate_limit_error", "message": "slow"}, Reason.PROVIDER_RATE_LIMITED),
        ({"type": "api_error", "message": "oops"}, Reason.PROVIDER_UNAVAILABLE),
        (
            {"type": "invalid_request_error", "message": "prompt is too long: 9 > 1"},
            Reason.CONTEXT_WINDOW_EXCEEDED,
        ),
        ({"type": ["new"], "message": {"a": 1}}, Reason.PROVIDER_UNAVAILABLE),
        (None, Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_errors_inside_the_stream(error: Any, reason: Reason) -> None:
    """An error event is the failure that it names."""
    assert reason is broken(start(), *said("x"), {"type": "error", "error": error}).reason


@pytest.mark.parametrize("data", [b"upstream timed out", b'{"error":{"message":"gone"}}'])
def test_errors_by_name_alone(data: bytes) -> None:
    """A gateway may mark an error by the event's name and write what it likes."""
    with pytest.raises(ProviderFailure) as caught:
        Anthropic().stream_decoder().feed(SseEvent("error", data))

    assert Reason.PROVIDER_UNAVAILABLE is caught.value.reason


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        5,
        {"type": ["x"]},
        {"type": "message_start"},
        {"type": "message_start", "message": []},
        {"type": "message_delta", "delta": {"stop_reason": 1}},
        {"type": "message_delta", "delta": {}, "usage": [1]},
        {"type": "message_stop"},
        {"type": "content_block_stop", "index": 3},
        {"type": "content_block_delta", "index": 3, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": {}, "delta": {}},
        {"type": "content_block_start", "index": 0, "content_block": TEXT},
        {"type": "content_block_start", "index": [], "content_block": TEXT},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": 1}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 1}},
        {"type": "content_block_delta", "index": 0, "delta": json_delta("{}")},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "thinking_delta", "thinking": "x"},
        },
    ],
)
def test_wrong_shapes(told: Any) -> None:
    """An event that does not fit is a failure, never a wrong answer."""
    begun = {"type": "content_block_start", "index": 0, "content_block": TEXT}
    failure = broken(start(), begun, told)

    assert Reason.PROVIDER_RESPONSE_INVALID is failure.reason
    assert len(failure.message) < 300


def test_a_block_that_never_ends() -> None:
    """An answer cannot end inside of a block."""
    begun = {"type": "content_block_start", "index": 0, "content_block": TEXT}

    assert Reason.PROVIDER_RESPONSE_INVALID is broken(start(), begun, *end()).reason

"""Answers of the family that are none."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.completion import Ending, FinishReason, Usage
from service.domain.reasons import ErrorReason as Reason
from tests.unit.providers.gemini.answering import broken, chunk, events, refused, text

STOP = Ending(FinishReason.STOP, "STOP")


def test_blocked_prompts() -> None:
    """A prompt that is refused is a failure of the caller's content, and was still consumed."""
    feedback = {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "no"}
    failure = refused({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4}})

    assert (Reason.CONTENT_POLICY_VIOLATION, Usage(4)) == (failure.reason, failure.usage)
    assert "gemini refused the prompt: PROHIBITED_CONTENT: no" == failure.message


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": 503, "status": "UNAVAILABLE", "message": "busy"}, Reason.PROVIDER_UNAVAILABLE),
        ({"code": 429}, Reason.PROVIDER_RATE_LIMITED),
        ({"status": ["x"], "code": True, "details": 5}, Reason.PROVIDER_UNAVAILABLE),
        ("gone", Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_errors_inside_the_stream(error: Any, reason: Reason) -> None:
    """An error chunk is the failure that it names."""
    assert reason is broken(*text("a"), {"error": error}).reason


def test_the_end_must_be_proven() -> None:
    """Neither a finish reason nor the framing is enough alone."""
    whole = [*text("a"), chunk(finish="STOP")]

    assert STOP == events(*whole)[-1]
    assert Reason.PROVIDER_RESPONSE_INVALID is broken(*whole, framed=False).reason
    assert Reason.PROVIDER_RESPONSE_INVALID is broken(*text("a")).reason
    assert Reason.PROVIDER_RESPONSE_INVALID is broken().reason


@pytest.mark.parametrize(
    "told",
    [
        5,
        [],
        None,
        {"candidates": 5},
        {"candidates": ["x"]},
        {"candidates": {"0": {}}},
        {"candidates": [{"content": "x"}]},
        {"candidates": [{"content": {"parts": "x"}}]},
        {"candidates": [{"finishReason": 5}]},
        {"promptFeedback": "x"},
        {"responseId": 5},
        chunk("x"),
        chunk({"text": 5}),
        chunk({"text": None}, {"text": ["x"]}),
        chunk({"functionCall": "f"}),
        chunk({"functionCall": {"args": {}}}),
        chunk({"functionCall": {"name": "f", "args": [1]}}),
        chunk({"functionCall": {"name": "f", "id": 5}}),
        chunk({"inlineData": {"mimeType": "image/png", "data": "*"}}),
        chunk({"inlineData": {"mimeType": 5}}),
        chunk({"text": "x", "thoughtSignature": "*"}),
        chunk({"text": "x"}, logprobsResult=[1]),
        chunk({"text": "x"}, logprobsResult={"chosenCandidates": [{"logProbability": "x"}]}),
        {"usageMetadata": [1]},
        {"usageMetadata": {"promptTokenCount": "3"}},
        {"usageMetadata": {"promptTokenCount": 2**63}},
        {"usageMetadata": {"promptTokensDetails": [{"modality": 5}]}},
    ],
)
def test_wrong_shapes(told: Any) -> None:
    """A chunk that does not fit is a failure that quotes nothing long."""
    failure = broken(*text("a", "b"), told, chunk(finish="STOP"))

    assert Reason.PROVIDER_RESPONSE_INVALID is failure.reason
    assert len(failure.message) < 300


@pytest.mark.parametrize("body", [b"", b"\xff", b'{"candidates":', b"[1]", b"{}"])
def test_wrong_bodies(body: bytes) -> None:
    """A body that is no answer is a failure."""
    assert Reason.PROVIDER_RESPONSE_INVALID is refused(body).reason

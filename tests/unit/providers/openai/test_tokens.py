"""Usage, log probabilities and what lies beyond the contract."""

from __future__ import annotations

import orjson
import pytest

from service.domain.completion import (
    TokenLogprob,
    Usage,
)
from service.providers.openai import DEEPSEEK, OpenAI
from tests.unit.providers.openai.answering import answer, completion


def test_usage() -> None:
    """Cached, reasoning and audio tokens are parts of the totals."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 10},
        "completion_tokens_details": {
            "reasoning_tokens": 30,
            "audio_tokens": 5,
            "accepted_prediction_tokens": 7,
            "rejected_prediction_tokens": 0,
        },
        "cost": 0.5,
    }
    ending = completion({"content": "x"}, usage=usage).ending

    assert (
        Usage(
            100,
            50,
            cache_read_input_tokens=64,
            reasoning_output_tokens=30,
            audio_input_tokens=10,
            audio_output_tokens=5,
            reported_nano_usd=500_000_000,
        )
        == ending.usage
    )
    assert {
        "cost": 0.5,
        "completion_tokens_details": {"accepted_prediction_tokens": 7},
    } == ending.metadata["usage"]


def test_usage_in_deepseeks_words() -> None:
    """DeepSeek tells its prompt cache beside the details."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 1,
        "prompt_cache_hit_tokens": 8,
        "prompt_cache_miss_tokens": 2,
    }
    ending = OpenAI(DEEPSEEK).completion(answer({"content": "x"}, usage=usage)).ending

    assert Usage(10, 1, cache_read_input_tokens=8) == ending.usage
    assert {} == ending.metadata


def test_reasoning_counted_beside_the_answer() -> None:
    """Reasoning is part of the output, even where the provider counts it beside."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 45,
        "completion_tokens_details": {"reasoning_tokens": 30},
    }

    assert (
        Usage(10, 35, reasoning_output_tokens=30)
        == completion({"content": "x"}, usage=usage).ending.usage
    )


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 3}])
def test_unknown_usage(usage: object) -> None:
    """Usage that was not told is None, never 0."""
    assert completion({"content": "x"}, usage=usage).ending.usage is None


def test_metadata() -> None:
    """What the contract has no field for is kept, by where it stood."""
    body = orjson.dumps(
        {
            "id": "r1",
            "choices": [
                {
                    "message": {"content": "x", "annotations": [{"type": "url_citation"}]},
                    "finish_reason": "stop",
                    "stop_reason": 7,
                }
            ],
            "citations": ["https://example.org"],
            "service_tier": "flex",
            "message": "not an object",
        }
    )

    assert {
        "citations": ["https://example.org"],
        "service_tier": "flex",
        "choice": {"stop_reason": 7},
        "message": {"annotations": [{"type": "url_citation"}]},
    } == OpenAI().completion(body).ending.metadata


def test_logprobs() -> None:
    """Tokens keep their alternatives, and their bytes where those are not the text's own."""
    content = [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -2, "bytes": None}],
        },
        {"token": "\\xf0", "logprob": -9999.0, "bytes": [240]},
    ]
    choice = {
        "message": {"content": "x"},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }

    assert (
        TokenLogprob("é", -0.5, top=(TokenLogprob("e", -2.0),)),
        TokenLogprob("\\xf0", -9999.0, b"\xf0"),
    ) == OpenAI().completion(orjson.dumps({"choices": [choice]})).logprobs

"""Usage, log probabilities and what lies beyond the contract."""

from __future__ import annotations

import orjson
import pytest

from service.domain.completion import (
    TokenLogprob,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.pricing import Price, cost_of
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


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_more_tokens_than_there_can_be(name: str) -> None:
    """No sum of money may grow so large by a provider's word that no ledger holds it."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    most = completion({"content": "x"}, usage={**usage, name: 10**9}).ending.usage

    assert most is not None
    assert cost_of(Price(10**15, 10**15), most).total < 2**63
    with pytest.raises(ProviderFailure, match=f"{name} is no count"):
        completion({"content": "x"}, usage={**usage, name: 10**9 + 1})


@pytest.mark.parametrize("details", [[1], "x", 5, {"upstream_inference_cost": "x"}])
def test_a_cost_that_nobody_understands(details: object) -> None:
    """No answer is refused for it: its tokens are priced."""
    usage = {"prompt_tokens": 1, "cost": 1, "is_byok": True, "cost_details": details}
    told = completion({"content": "x"}, usage=usage).ending.usage

    assert told is not None
    assert told.reported_nano_usd is None


@pytest.mark.parametrize("usd", [1, 250, 10**6])
def test_a_cost_in_ticks(usd: int) -> None:
    """An answer of xAI's may cost more than a few cents: 10**10 ticks are a USD."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost_in_usd_ticks": usd * 10**10}
    told = completion({"content": "x"}, usage=usage).ending.usage

    assert told is not None
    assert usd * 10**9 == told.reported_nano_usd


@pytest.mark.parametrize(("cost", "expected"), [(10**6, 10**15), (10**6 + 1, None), (-1, None)])
def test_more_money_than_an_answer_can_cost(cost: int, expected: int | None) -> None:
    """It is not believed: the price table says what the answer costs."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": cost}
    told = completion({"content": "x"}, usage=usage).ending.usage

    assert told is not None
    assert expected == told.reported_nano_usd


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

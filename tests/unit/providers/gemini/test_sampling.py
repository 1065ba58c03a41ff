"""How the answer is sampled, and how much the model thinks first."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import (
    Effort,
    ReasoningWish,
    Sampling,
)
from service.domain.provider import Defaults
from service.domain.reasons import ErrorReason as Reason
from tests.unit.providers.gemini.asking import config, refused, request

OLD, NEW = "gemini-2.5-flash", "gemini-3.8-flash"


@pytest.mark.parametrize(
    ("model", "wish", "expected"),
    [
        (OLD, ReasoningWish(Effort.NONE), {"thinkingBudget": 0}),
        (OLD, ReasoningWish(Effort.MEDIUM), {"thinkingBudget": 8192}),
        (OLD, ReasoningWish(Effort.LOW, budget_tokens=77), {"thinkingBudget": 77}),
        (OLD, ReasoningWish(include_text=True), {"includeThoughts": True}),
        ("gemini-2.5-pro", ReasoningWish(Effort.NONE), {"thinkingBudget": 128}),
        ("models/gemini-2.5-pro", ReasoningWish(Effort.HIGH), {"thinkingBudget": 24576}),
        ("gemini-2.0-flash", ReasoningWish(Effort.NONE), None),
        ("gemma-3-27b-it", ReasoningWish(Effort.NONE), None),
        ("gemini-3-flash-preview", ReasoningWish(Effort.NONE), {"thinkingLevel": "minimal"}),
        ("gemini-3.1-pro-preview", ReasoningWish(Effort.MINIMAL), {"thinkingLevel": "low"}),
        ("gemini-3.5-flash-lite", ReasoningWish(Effort.NONE), {"thinkingLevel": "minimal"}),
        (NEW, ReasoningWish(Effort.NONE), {"thinkingLevel": "low"}),
        (NEW, ReasoningWish(budget_tokens=0), {"thinkingLevel": "low"}),
        (
            NEW,
            ReasoningWish(Effort.HIGH, include_text=True),
            {"thinkingLevel": "high", "includeThoughts": True},
        ),
        ("gemini-flash-latest", ReasoningWish(Effort.MEDIUM), {"thinkingLevel": "medium"}),
        (NEW, ReasoningWish(), None),
    ],
)
def test_thinking(model: str, wish: ReasoningWish, expected: Any) -> None:
    """Each generation of models is asked to think in its own form."""
    assert expected == config(model=model, reasoning=wish).get("thinkingConfig")


@pytest.mark.parametrize(
    ("model", "wish", "field"),
    [
        (NEW, ReasoningWish(budget_tokens=100), "spec.reasoning.budget_tokens"),
        ("gemini-2.0-flash", ReasoningWish(Effort.LOW), "spec.reasoning"),
        ("gemma-3-27b-it", ReasoningWish(include_text=True), "spec.reasoning"),
    ],
)
def test_thinking_that_it_lacks(model: str, wish: ReasoningWish, field: str) -> None:
    """What a model cannot do is refused by its path, or dropped and said so."""
    sent = request(model=model, reasoning=wish, drop=True)

    assert field == refused(model=model, reasoning=wish).field
    assert (field,) == sent.dropped_parameters


@pytest.mark.parametrize(
    ("model", "sampling", "expected"),
    [
        (OLD, Sampling(), {"temperature": 0.7, "maxOutputTokens": 9}),
        (OLD, Sampling(0.0, max_output_tokens=1), {"temperature": 0.0, "maxOutputTokens": 1}),
        (NEW, Sampling(), {"maxOutputTokens": 9}),
        (
            "gemma-3-27b-it",
            Sampling(top_logprobs=0),
            {"temperature": 0.7, "maxOutputTokens": 9, "responseLogprobs": True},
        ),
    ],
)
def test_sampling(model: str, sampling: Sampling, expected: Any) -> None:
    """Defaults stand in for what the caller left out, where the model heeds them."""
    defaults = Defaults(temperature=0.7, max_output_tokens=9)

    assert expected == config(model=model, sampling=sampling, defaults=defaults)


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (NEW, "temperature", 0.5),
        ("gemini-3.5-flash-lite", "top_p", 0.5),
        ("gemini-pro-latest", "top_k", 5),
        (OLD, "seed", 2**31),
    ],
)
def test_sampling_that_it_lacks(model: str, field: str, value: Any) -> None:
    """A parameter that would be ignored is an error of its path, or dropped and said so."""
    sampling = Sampling(**{field: value})
    failure = refused(model=model, sampling=sampling)
    sent = request(model=model, sampling=sampling, drop=True)

    assert (Reason.UNSUPPORTED_PARAMETER, f"spec.sampling.{field}") == (
        failure.reason,
        failure.field,
    )
    assert (f"spec.sampling.{field}",) == sent.dropped_parameters
    assert "generationConfig" not in orjson.loads(sent.body)

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
from tests.unit.providers.anthropic.asking import body, refused, request

OLD, BETWEEN, NEW = "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-8"
UNASKED, ALWAYS = "claude-sonnet-5", "claude-opus-5-5"


@pytest.mark.parametrize(
    ("asked", "default", "expected"), [(10, 20, 10), (None, 20, 20), (None, None, 4096)]
)
def test_max_tokens(asked: int | None, default: int | None, expected: int) -> None:
    """The limit that Anthropic demands is the caller's, the configuration's, or a safe one."""
    sent = body(
        sampling=Sampling(max_output_tokens=asked), defaults=Defaults(max_output_tokens=default)
    )

    assert expected == sent["max_tokens"]


@pytest.mark.parametrize(
    ("model", "wish", "max_tokens", "expected"),
    [
        (OLD, ReasoningWish(Effort.HIGH), 64000, {"type": "enabled", "budget_tokens": 16384}),
        (OLD, ReasoningWish(Effort.HIGH), 4000, {"type": "enabled", "budget_tokens": 2000}),
        (OLD, ReasoningWish(Effort.MEDIUM), 1500, {"type": "enabled", "budget_tokens": 1024}),
        (OLD, ReasoningWish(include_text=True), 8192, {"type": "enabled", "budget_tokens": 2048}),
        (OLD, ReasoningWish(Effort.NONE), 4000, None),
        (OLD, ReasoningWish(), 4000, None),
        (BETWEEN, ReasoningWish(Effort.LOW), 4000, {"type": "adaptive"}),
        (
            BETWEEN,
            ReasoningWish(budget_tokens=2000),
            4000,
            {"type": "enabled", "budget_tokens": 2000},
        ),
        (
            NEW,
            ReasoningWish(Effort.LOW, include_text=True),
            4000,
            {"type": "adaptive", "display": "summarized"},
        ),
        (NEW, ReasoningWish(Effort.NONE), 4000, None),
        (NEW, ReasoningWish(budget_tokens=0), 4000, None),
        (UNASKED, ReasoningWish(Effort.NONE), 4000, {"type": "disabled"}),
        (ALWAYS, ReasoningWish(Effort.NONE), 4000, None),
        ("claude-fable-5", ReasoningWish(Effort.NONE), 4000, None),
        ("claude-haiku-5-5", ReasoningWish(Effort.NONE), 4000, {"type": "disabled"}),
        (
            "claude-3-7-sonnet-20250219",
            ReasoningWish(Effort.LOW),
            64000,
            {"type": "enabled", "budget_tokens": 2048},
        ),
        (
            "claude-opus-4-20250514",
            ReasoningWish(Effort.LOW),
            64000,
            {"type": "enabled", "budget_tokens": 2048},
        ),
        ("glm-5", ReasoningWish(Effort.LOW), 64000, {"type": "enabled", "budget_tokens": 2048}),
    ],
)
def test_thinking(model: str, wish: ReasoningWish, max_tokens: int, expected: Any) -> None:
    """Each generation of models is asked to think in its own form."""
    sampling = Sampling(max_output_tokens=max_tokens)

    assert expected == body(model=model, reasoning=wish, sampling=sampling).get("thinking")


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        (NEW, Effort.MINIMAL, {"effort": "low"}),
        (NEW, Effort.MEDIUM, {"effort": "medium"}),
        (NEW, Effort.HIGH, {"effort": "high"}),
        (ALWAYS, Effort.NONE, {"effort": "low"}),
        (OLD, Effort.HIGH, None),
    ],
)
def test_effort(model: str, effort: Effort, expected: Any) -> None:
    """Newer models take the effort itself; one that always thinks is asked for little."""
    assert expected == body(model=model, reasoning=ReasoningWish(effort)).get("output_config")


def test_a_default_limit_makes_room_for_a_budget() -> None:
    """A budget that the caller names fits below a limit that the caller did not name."""
    wish = ReasoningWish(budget_tokens=10_000)

    assert 14_000 == body(reasoning=wish, defaults=Defaults(max_output_tokens=4000))["max_tokens"]


def test_thinking_that_cannot_be() -> None:
    """A limit too small for the least budget, and a budget for a model that takes none."""
    small = refused(reasoning=ReasoningWish(Effort.LOW), sampling=Sampling(max_output_tokens=1024))
    budget = refused(model=NEW, reasoning=ReasoningWish(budget_tokens=2000))

    assert ("spec.reasoning", "spec.reasoning.budget_tokens") == (small.field, budget.field)


@pytest.mark.parametrize(
    ("model", "sampling", "reasoning", "expected"),
    [
        (OLD, Sampling(), None, {"temperature": 0.7}),
        (OLD, Sampling(temperature=0.2), None, {"temperature": 0.2}),
        (OLD, Sampling(top_p=0.5, top_k=9), None, {"top_p": 0.5, "top_k": 9}),
        (OLD, Sampling(), ReasoningWish(Effort.LOW), {}),
        (OLD, Sampling(temperature=1, top_p=0.95), ReasoningWish(Effort.LOW), {
            "temperature": 1,
            "top_p": 0.95,
        }),
        (NEW, Sampling(), None, {}),
        (NEW, Sampling(temperature=1.0), None, {"temperature": 1.0}),
    ],
)  # fmt: skip
def test_sampling(
    model: str, sampling: Sampling, reasoning: ReasoningWish | None, expected: Any
) -> None:
    """The default temperature is left out wherever it would be refused."""
    sent = body(
        model=model, sampling=sampling, reasoning=reasoning, defaults=Defaults(temperature=0.7)
    )

    assert expected == {
        name: sent[name] for name in ("temperature", "top_p", "top_k") if name in sent
    }


@pytest.mark.parametrize(
    ("model", "reasoning", "field", "value"),
    [
        (OLD, None, "seed", 0),
        (OLD, None, "frequency_penalty", 0.0),
        (OLD, None, "presence_penalty", 0.5),
        (OLD, None, "top_logprobs", 0),
        (OLD, None, "temperature", 1.5),
        (OLD, ReasoningWish(Effort.LOW), "temperature", 0.5),
        (OLD, ReasoningWish(Effort.LOW), "top_k", 5),
        (NEW, None, "temperature", 0.0),
        (NEW, None, "top_p", 0.5),
        (NEW, None, "top_k", 5),
    ],
)
def test_sampling_that_it_lacks(
    model: str, reasoning: ReasoningWish | None, field: str, value: Any
) -> None:
    """A parameter that would be refused is an error of its path, or dropped and said so."""
    fields: dict[str, Any] = {"model": model, "reasoning": reasoning}
    fields["sampling"] = Sampling(**{field: value}, max_output_tokens=4000)
    failure = refused(**fields)
    sent = request(**fields, drop=True)

    assert (Reason.UNSUPPORTED_PARAMETER, f"spec.sampling.{field}") == (
        failure.reason,
        failure.field,
    )
    assert (f"spec.sampling.{field}",) == sent.dropped_parameters
    assert field not in orjson.loads(sent.body)


def test_sampling_must_be_finite() -> None:
    """A number that JSON lacks is refused, not turned into null."""
    failure = refused(sampling=Sampling(top_p=float("nan")))

    assert (Reason.INVALID_REQUEST, "spec.sampling.top_p") == (failure.reason, failure.field)

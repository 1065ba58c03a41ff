"""What surrounds the messages: sampling, thinking, tools, formats, options."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import (
    Effort,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    ProviderTool,
    ReasoningWish,
    Sampling,
    ToolChoice,
    ToolMode,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, EmbeddingCall, TokenCount
from service.domain.reasons import ErrorReason as Reason
from service.providers.anthropic import Anthropic
from tests.unit.providers.anthropic.asking import body, call, refused, request

OLD, BETWEEN, NEW = "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-8"
UNASKED, ALWAYS = "claude-sonnet-5", "claude-opus-5-5"
TOOLS = (FunctionTool("f"),)


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


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(), {"type": "auto"}),
        (ToolChoice(ToolMode.NONE, disable_parallel=True), {"type": "none"}),
        (
            ToolChoice(ToolMode.REQUIRED, disable_parallel=True),
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        (ToolChoice(function_name="f"), {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: Any) -> None:
    """Each mode has its word."""
    assert expected == body(tools=TOOLS, tool_choice=choice)["tool_choice"]


def test_tool_choice_without_tools() -> None:
    """A choice that means nothing is left out, for it would be refused."""
    assert "tool_choice" not in body(tool_choice=ToolChoice())


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        (
            {"tools": (FunctionTool("f", parameters_json_schema="{"),)},
            Reason.INVALID_REQUEST,
            "spec.tools[0].function.parameters_json_schema",
        ),
        (
            {"tools": (*TOOLS, ProviderTool("openai", {}))},
            Reason.UNSUPPORTED_PARAMETER,
            "spec.tools[1].provider_tool",
        ),
        (
            {"output_format": JsonSchemaFormat("[]")},
            Reason.INVALID_REQUEST,
            "spec.output_format.json_schema.schema_json",
        ),
        (
            {"output_format": JsonObjectFormat()},
            Reason.UNSUPPORTED_PARAMETER,
            "spec.output_format.json_object",
        ),
        (
            {"provider_options": {"anthropic": {"betas": ["a\r\nb"]}}},
            Reason.INVALID_REQUEST,
            "spec.provider_options['anthropic'].betas",
        ),
        (
            {"provider_options": {"anthropic": {"a": {"b": float("inf")}}}},
            Reason.INVALID_REQUEST,
            "spec.provider_options['anthropic'].a.b",
        ),
    ],
)
def test_refused_fields(fields: Any, reason: Reason, field: str) -> None:
    """What cannot be sent is refused by its path."""
    failure = refused(**fields)

    assert (reason, field) == (failure.reason, failure.field)


def test_provider_options() -> None:
    """Options are laid over the body last, objects merged; betas become a header."""
    options = {
        "output_config": {"task_budget": 5},
        "max_tokens": 7,
        "stream": True,
        "betas": ["one-2026-01-01", "two-2026-02-02"],
    }
    sent = request(output_format=JsonSchemaFormat("{}"), provider_options={"anthropic": options})
    written = orjson.loads(sent.body)

    form = {"type": "json_schema", "schema": {}}
    assert {"format": form, "task_budget": 5} == written["output_config"]
    assert (7, None) == (written["max_tokens"], written.get("stream"))
    assert {"anthropic-beta": "one-2026-01-01,two-2026-02-02"} == sent.headers


def test_too_deep() -> None:
    """A request that JSON cannot hold is refused, not a bug."""
    deep: Any = 0
    for _ in range(300):
        deep = [deep]

    assert Reason.INVALID_REQUEST is refused(provider_options={"anthropic": {"a": deep}}).reason


def test_counting() -> None:
    """The endpoint that counts takes the prompt, and nothing of how the answer is sampled."""
    asked = call(tools=TOOLS, sampling=Sampling(temperature=0.1), model="claude-x")
    sent = Anthropic().count_request(asked)

    assert sent is not None
    assert "/v1/messages/count_tokens" == sent.path
    assert ["model", "messages", "tools"] == list(orjson.loads(sent.body))
    assert TokenCount(14, exact=True, tokenizer="anthropic:claude-x") == Anthropic().token_count(
        b'{"input_tokens":14}', asked
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"input_tokens":-1}', b"\xff"])
def test_miscounts(body: bytes) -> None:
    """An answer that does not count is a failure."""
    with pytest.raises(ProviderFailure) as caught:
        Anthropic().token_count(body, call())

    assert Reason.PROVIDER_RESPONSE_INVALID is caught.value.reason


def test_it_has_no_embeddings() -> None:
    """Anthropic embeds nothing."""
    with pytest.raises(ProviderFailure) as caught:
        Anthropic().embedding_request(EmbeddingCall("m", ("a",)))

    assert (Reason.UNSUPPORTED_PARAMETER, True) == (caught.value.reason, caught.value.local)


def test_credentials() -> None:
    """The key travels in its own header, beside the version of the API."""
    assert {
        "x-api-key": "k",
        "anthropic-version": "2023-06-01",
    } == Anthropic().auth_headers("k")

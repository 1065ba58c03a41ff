"""Calls into litellm's arguments, and options into the body that it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from service.domain.completion import (
    Blob,
    CompletionSpec,
    Effort,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    ReasoningWish,
    Refusal,
    Role,
    Sampling,
    Text,
    ToolCall,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, OnUnsupported, ProviderCall
from service.domain.reasons import ErrorReason
from service.providers.litellm.arguments import completion_arguments, merged, options_of


def asked(prefix: str, *parts: Part, role: Role = Role.USER, **spec: Any) -> dict[str, Any]:
    messages = (Message(role, parts or (Text("hello"),)),)
    call = ProviderCall(CompletionSpec("m", messages, **spec), "m", Defaults(0.7))
    return completion_arguments(prefix, call)[0]


def said(prefix: str, role: Role, *parts: Part) -> dict[str, Any]:
    message: dict[str, Any] = asked(prefix, *parts, role=role)["messages"][0]
    return message


def test_signed_reasoning_goes_back_as_blocks() -> None:
    """Reasoning goes back to Anthropic with its proof, and not without one."""
    wire = said(
        "anthropic",
        Role.ASSISTANT,
        Reasoning("hm", signature=b"sig"),
        Reasoning(encrypted=b"enc"),
        Reasoning("unproven"),
        Text("so"),
    )

    assert [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
    ] == wire["thinking_blocks"]


def test_signatures_of_gemini_go_back() -> None:
    """A call goes back to Gemini with its signature, in base64."""
    signed = ToolCall("a", "f", "{}", signature=b"ts2")
    wire = said("gemini", Role.ASSISTANT, signed, ToolCall("b", "f", "{}"))

    assert {"thought_signature": "dHMy"} == wire["tool_calls"][0]["provider_specific_fields"]
    assert "provider_specific_fields" not in wire["tool_calls"][1]


def test_cache_hints_mark_what_they_stand_on() -> None:
    """A hint on a text is Anthropic's cache_control there; elsewhere it changes nothing."""
    hinted = (Text("a", cache_ttl_s=0), Text("b"), Text("c", cache_ttl_s=3600))

    assert [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "b"},
        {"type": "text", "text": "c", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ] == said("anthropic", Role.USER, *hinted)["content"]
    assert said("gemini", Role.USER, Text("a")) == said(
        "gemini", Role.USER, Text("a", cache_ttl_s=0)
    )


def test_refusals_are_said_as_text() -> None:
    """The library loses a refusal that is not OpenAI's: it goes as the text that it is."""
    assert "no" == said("anthropic", Role.ASSISTANT, Refusal("no"))["content"]
    assert "no" == said("openai", Role.ASSISTANT, Refusal("no"))["refusal"]


@pytest.mark.parametrize(
    ("prefix", "part", "path"),
    [
        ("anthropic", Blob("audio/wav", b"x"), "blob.mime_type"),
        ("anthropic", ProviderPart("anthropic", {"type": "search_result"}), "provider_part"),
        ("gemini", ProviderPart("gemini", {"text": "x"}), "provider_part"),
    ],
)
def test_what_the_library_cannot_translate(prefix: str, part: Part, path: str) -> None:
    """What the library would lose in silence, or break on, is refused by its path."""
    with pytest.raises(ProviderFailure) as caught:
        said(prefix, Role.USER, part)

    assert caught.value.local
    assert (ErrorReason.UNSUPPORTED_PARAMETER, f"spec.messages[0].parts[0].{path}") == (
        caught.value.reason,
        caught.value.field,
    )


def test_default_temperature_beside_reasoning() -> None:
    """A default temperature does not go to Anthropic beside reasoning; a caller's own does."""
    wish = ReasoningWish(Effort.LOW)

    assert 0.7 == asked("anthropic")["temperature"]
    assert "temperature" not in asked("anthropic", reasoning=wish)
    assert 1 == asked("anthropic", reasoning=wish, sampling=Sampling(1))["temperature"]


def test_logprobs_that_anthropic_lacks() -> None:
    """What the provider lacks is refused by its path, or dropped and named."""
    sampling = Sampling(top_logprobs=2)
    messages = (Message(Role.USER, (Text("hello"),)),)
    dropping = ProviderCall(
        CompletionSpec("m", messages, sampling), "m", on_unsupported=OnUnsupported.DROP
    )
    with pytest.raises(ProviderFailure) as caught:
        asked("anthropic", sampling=sampling)

    assert "spec.sampling.top_logprobs" == caught.value.field
    assert ("spec.sampling.top_logprobs",) == completion_arguments("anthropic", dropping)[1]


def test_options_are_no_arguments() -> None:
    """The library takes its address and key from where options would stand: none goes there."""
    told = asked("anthropic", provider_options={"anthropic": {"api_base": "https://evil"}})

    assert {"messages", "temperature"} == told.keys()


def test_options_of_family_and_name() -> None:
    """Options of the configured name come after those of its family."""
    options = {"mine": {"a": 2}, "anthropic": {"a": 1}, "gemini": {"a": 3}}
    call = ProviderCall(CompletionSpec("m", (), provider_options=options), "m")

    assert [{"a": 1}, {"a": 2}] == options_of(("anthropic", "mine"), call)
    assert [{"a": 1}] == options_of(("anthropic", "anthropic"), call)


@pytest.mark.parametrize(
    ("body", "options", "expected"),
    [
        (b'{"a":1,"b":{"c":1}}', [{"b": {"d": 2}}], {"a": 1, "b": {"c": 1, "d": 2}}),
        (b'{"a":1}', [{"a": 2}, {"a": 3}], {"a": 3}),
        (b'{"a":1}', [], {"a": 1}),
        (b"[1]", [{"a": 2}], [1]),
    ],
)
def test_options_are_laid_over_the_body(
    body: bytes, options: list[Mapping[str, Any]], expected: Any
) -> None:
    """Options are merged into what the library sends, deeply."""
    assert expected == orjson.loads(merged(body, options))


@pytest.mark.parametrize("prefix", ["anthropic", "gemini"])
def test_a_budget_of_thought(prefix: str) -> None:
    """A number of tokens to think goes in the library's words, and wins over an effort."""
    told = asked(prefix, reasoning=ReasoningWish(Effort.LOW, budget_tokens=2048))

    assert {"type": "enabled", "budget_tokens": 2048} == told["thinking"]
    assert "reasoning_effort" not in told


def test_a_budget_that_others_lack() -> None:
    """A provider that knows efforts only refuses a budget by its path."""
    with pytest.raises(ProviderFailure) as caught:
        asked("groq", reasoning=ReasoningWish(budget_tokens=2048))

    assert "spec.reasoning.budget_tokens" == caught.value.field

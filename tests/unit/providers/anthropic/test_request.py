"""What surrounds the messages: tools, formats, options, other endpoints."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import (
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    ProviderTool,
    Sampling,
    ToolChoice,
    ToolMode,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, TokenCount
from service.domain.reasons import ErrorReason as Reason
from service.providers.anthropic import Anthropic
from tests.unit.providers.anthropic.asking import body, call, refused, request

TOOLS = (FunctionTool("f"),)


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

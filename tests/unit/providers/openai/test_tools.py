"""Tools, choices among them and output formats into the family's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from service.domain.completion import (
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    ProviderTool,
    ToolChoice,
    ToolMode,
)
from service.domain.reasons import ErrorReason
from tests.unit.providers.openai.asking import (
    WEATHER,
    asked,
    refused,
)


def test_tools() -> None:
    """Functions keep their schema's key order; provider tools pass through."""
    schema = '{"type":"object","properties":{"z":{},"a":{}},"required":["z"]}'
    own = ProviderTool("openai", {"type": "custom", "custom": {"name": "sql"}})
    wire = asked(tools=(FunctionTool("f", "", schema), WEATHER, own, FunctionTool("bare")))

    assert ["z", "a"] == list(wire["tools"][0]["function"]["parameters"]["properties"])
    assert wire["tools"][1]["function"]["strict"] is True
    assert own.config == wire["tools"][2]
    assert {"type": "function", "function": {"name": "bare"}} == wire["tools"][3]


def test_tool_of_another_provider_is_refused() -> None:
    """A tool that only another family runs cannot be offered here."""
    failure = refused(tools=(WEATHER, ProviderTool("anthropic", {})))

    assert "spec.tools[1].provider_tool" == failure.field


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(), "auto"),
        (ToolChoice(ToolMode.NONE), "none"),
        (ToolChoice(ToolMode.REQUIRED), "required"),
        (
            ToolChoice(function_name="weather"),
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: object) -> None:
    """Modes are words, a function is named."""
    assert expected == asked(tools=(WEATHER,), tool_choice=choice)["tool_choice"]


def test_one_call_at_a_time() -> None:
    """disable_parallel is the provider's parallel_tool_calls turned round."""
    wire = asked(tools=(WEATHER,), tool_choice=ToolChoice(disable_parallel=True))

    assert wire["parallel_tool_calls"] is False


def test_choice_without_tools_is_left_unsaid() -> None:
    """Providers refuse a choice among no tools, so one that changes nothing is not sent."""
    assert "tool_choice" not in asked(tool_choice=ToolChoice(disable_parallel=True))


def test_output_formats() -> None:
    """JSON by schema, or any JSON object."""
    by_schema = asked(output_format=JsonSchemaFormat('{"type":"object"}', "a", strict=True))
    any_object = asked(output_format=JsonObjectFormat())

    assert {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True},
    } == by_schema["response_format"]
    assert {"type": "json_object"} == any_object["response_format"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"tools": (WEATHER, FunctionTool("f", "", "{no"))},
            "spec.tools[1].function.parameters_json_schema",
        ),
        ({"output_format": JsonSchemaFormat("[")}, "spec.output_format.json_schema.schema_json"),
        ({"output_format": JsonSchemaFormat("1")}, "spec.output_format.json_schema.schema_json"),
    ],
)
def test_broken_schema(fields: Mapping[str, Any], path: str) -> None:
    """A schema that is no JSON object is the caller's mistake, named by its path."""
    failure = refused(**fields)

    assert (ErrorReason.INVALID_REQUEST, path) == (failure.reason, failure.field)


def test_bottomless_schema() -> None:
    """A schema nested deeper than JSON is written is the caller's mistake, not a crash."""
    schema = '{"a":' * 300 + "{}" + "}" * 300
    failure = refused(tools=(FunctionTool("f", "", schema),))

    assert ErrorReason.INVALID_REQUEST == failure.reason

"""Calls into requests. Keys stand in a fixed order, so that equal calls give equal bytes."""

from __future__ import annotations

from typing import Any

import orjson

from service.domain.completion import (
    CompletionSpec,
    Effort,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    Tool,
    ToolChoice,
    ToolMode,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import ProviderCall
from service.domain.reasons import ErrorReason
from service.providers.anthropic.content import conversation
from service.providers.anthropic.response import NAME
from service.providers.wire import Omissions, WireRequest, merge, unsupported

# Anthropic demands a limit; this one every current model allows.
_MAX_TOKENS = 4096
_BUDGET_MIN_TOKENS = 1024
# Anthropic counts reasoning in tokens; an effort is turned into as many.
_BUDGETS = {
    Effort.MINIMAL: 1024,
    Effort.LOW: 2048,
    Effort.MEDIUM: 8192,
    Effort.HIGH: 16384,
}
_MODES = {ToolMode.AUTO: "auto", ToolMode.NONE: "none", ToolMode.REQUIRED: "any"}
_COUNTED = ("model", "system", "messages", "tools", "tool_choice", "thinking")
_LACKING = ("seed", "frequency_penalty", "presence_penalty", "top_logprobs")


def completion_request(call: ProviderCall, *, stream: bool) -> WireRequest:
    """Raises ProviderFailure(local=True) for what Anthropic lacks."""
    body, dropped = _body(call)
    if stream:
        body["stream"] = True
    merge(body, call.spec.provider_options.get(NAME, {}))
    return WireRequest("/v1/messages", orjson.dumps(body), dropped_parameters=dropped)


def count_request(call: ProviderCall) -> WireRequest:
    """As `completion_request`, for the endpoint that counts and bills nothing."""
    body, _ = _body(call)
    counted = {name: body[name] for name in _COUNTED if name in body}
    return WireRequest("/v1/messages/count_tokens", orjson.dumps(counted))


def _body(call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = call.spec
    omissions = Omissions(NAME, call.on_unsupported)
    max_tokens = spec.sampling.max_output_tokens or call.defaults.max_output_tokens or _MAX_TOKENS
    system, messages = conversation(spec.messages, omissions)
    body: dict[str, Any] = {"model": call.model, "max_tokens": max_tokens}
    if system:
        body["system"] = system
    body["messages"] = messages
    if spec.tools:
        body["tools"] = [_tool(index, tool) for index, tool in enumerate(spec.tools)]
    if spec.tool_choice is not None and spec.tools:
        body["tool_choice"] = _tool_choice(spec.tool_choice)
    budget_tokens = _budget_tokens(spec, max_tokens, omissions)
    if budget_tokens:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget_tokens}
    _sampling(body, call, omissions)
    _output_format(body, spec, omissions)
    return body, omissions.dropped


def _sampling(body: dict[str, Any], call: ProviderCall, omissions: Omissions) -> None:
    sampling = call.spec.sampling
    temperature = sampling.temperature
    if temperature is None and "thinking" not in body and sampling.top_p is None:
        # With thinking, or beside top_p, a temperature is refused: a default must not break that.
        temperature = call.defaults.temperature
    if temperature is not None:
        body["temperature"] = temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if sampling.stop:
        body["stop_sequences"] = list(sampling.stop)
    for name in _LACKING:
        if getattr(sampling, name) is not None:
            omissions.lacks(f"spec.sampling.{name}")


def _budget_tokens(spec: CompletionSpec, max_tokens: int, omissions: Omissions) -> int:
    """0 for no thinking. Anthropic wants at least 1,024, and less than the whole answer."""
    wish = spec.reasoning
    if wish is None:
        return 0
    if wish.budget_tokens is not None:
        return wish.budget_tokens
    if wish.effort is None:
        wanted = _BUDGETS[Effort.LOW] if wish.include_text else 0
    else:
        wanted = _BUDGETS.get(wish.effort, 0)
    if not wanted:
        return 0
    if max_tokens <= _BUDGET_MIN_TOKENS:
        omissions.lacks("spec.reasoning", f"it needs more than {_BUDGET_MIN_TOKENS} output tokens")
        return 0
    return max(_BUDGET_MIN_TOKENS, min(wanted, max_tokens // 2))


def _tool(index: int, tool: Tool) -> Any:
    if not isinstance(tool, FunctionTool):
        if tool.provider != NAME:
            path = f"spec.tools[{index}].provider_tool"
            raise unsupported(NAME, path, f"it is a tool of {tool.provider}")
        return tool.config
    wire: dict[str, Any] = {"name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    schema = tool.parameters_json_schema or '{"type":"object","properties":{}}'
    wire["input_schema"] = _parsed(f"spec.tools[{index}].function.parameters_json_schema", schema)
    if tool.strict:
        wire["strict"] = True
    return wire


def _tool_choice(choice: ToolChoice) -> dict[str, Any]:
    if choice.function_name:
        wire: dict[str, Any] = {"type": "tool", "name": choice.function_name}
    else:
        wire = {"type": _MODES[choice.mode]}
    if choice.disable_parallel and wire["type"] != "none":
        wire["disable_parallel_tool_use"] = True
    return wire


def _output_format(body: dict[str, Any], spec: CompletionSpec, omissions: Omissions) -> None:
    match spec.output_format:
        case JsonSchemaFormat(schema_json=text):
            schema = _parsed("spec.output_format.json_schema.schema_json", text)
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        case JsonObjectFormat():
            omissions.lacks("spec.output_format.json_object", "it takes a json_schema only")
        case None:
            pass


def _parsed(path: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"{NAME}: {path} is not JSON: {error}"
        raise ProviderFailure(
            ErrorReason.INVALID_REQUEST, message, local=True, field=path
        ) from None

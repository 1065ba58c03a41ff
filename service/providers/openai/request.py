"""Calls into requests. Keys stand in a fixed order, so that equal calls give equal bytes.

A part's cache hint is ignored without a word: it is a hint, and these providers cache prompts by
themselves, without being asked. Never reads what a body means: `provider_options` come last.
"""

from __future__ import annotations

from typing import Any

import orjson

from service.domain.completion import (
    CompletionSpec,
    Effort,
    FunctionTool,
    JsonSchemaFormat,
    Tool,
    ToolChoice,
    ToolMode,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, ProviderCall
from service.domain.reasons import ErrorReason
from service.providers.openai.content import messages
from service.providers.openai.dialect import Dialect, ReasoningWish
from service.providers.wire import Omissions, WireRequest, merge, unsupported


def completion_request(dialect: Dialect, call: ProviderCall, *, stream: bool) -> WireRequest:
    """Raises ProviderFailure(local=True) for what the provider lacks or JSON cannot say."""
    body, dropped = completion_body(dialect, call)
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    merge(body, call.spec.provider_options.get(dialect.name, {}))
    return WireRequest("/chat/completions", _bytes(dialect, body), dropped_parameters=dropped)


def completion_body(dialect: Dialect, call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body as JSON without `provider_options`, and the spec paths that were left out."""
    spec = call.spec
    omissions = Omissions(dialect.name, call.on_unsupported)
    body: dict[str, Any] = {"model": call.model, "messages": messages(dialect, spec.messages)}
    _sampling(body, dialect, call, omissions)
    _logprobs(body, dialect, spec, omissions)
    _reasoning(body, dialect, spec, omissions)
    if spec.tools:
        body["tools"] = [_tool(dialect, index, tool) for index, tool in enumerate(spec.tools)]
    if spec.tool_choice is not None:
        _tool_choice(body, dialect, spec.tool_choice, omissions)
    if spec.output_format is not None:
        body["response_format"] = _response_format(dialect, spec, omissions)
    return body, omissions.dropped


def embedding_request(dialect: Dialect, call: EmbeddingCall) -> WireRequest:
    """Raises ProviderFailure(local=True) if the provider has no embeddings."""
    if not dialect.embeddings:
        raise unsupported(dialect.name, "model", "it has no embeddings")
    body: dict[str, Any] = {"model": call.model, "input": call.inputs, "encoding_format": "float"}
    if call.dimensions is not None:
        body["dimensions"] = call.dimensions
    return WireRequest("/embeddings", _bytes(dialect, body))


def _bytes(dialect: Dialect, body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        # Nested too deeply: nothing else of what a caller can send is beyond JSON.
        message = f"{dialect.name}: the request cannot be written as JSON ({error})"
        raise ProviderFailure(ErrorReason.INVALID_REQUEST, message, local=True) from None


def _sampling(
    body: dict[str, Any], dialect: Dialect, call: ProviderCall, omissions: Omissions
) -> None:
    sampling, defaults = call.spec.sampling, call.defaults
    temperature = sampling.temperature
    if temperature is None and not dialect.refuses_temperature(call.model):
        temperature = defaults.temperature
    max_tokens = sampling.max_output_tokens
    wishes: dict[str, Any] = {
        dialect.max_tokens_field: defaults.max_output_tokens if max_tokens is None else max_tokens,
        "temperature": temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
    }
    for name, value in wishes.items():
        if value is None:
            continue
        if f"sampling.{name}" in dialect.lacks:
            omissions.lacks(f"spec.sampling.{name}")
        else:
            body[name] = value


def _logprobs(
    body: dict[str, Any], dialect: Dialect, spec: CompletionSpec, omissions: Omissions
) -> None:
    top_logprobs = spec.sampling.top_logprobs
    if top_logprobs is None:
        return
    if "sampling.top_logprobs" in dialect.lacks:
        omissions.lacks("spec.sampling.top_logprobs")
        return
    body["logprobs"] = True
    if top_logprobs:
        body["top_logprobs"] = top_logprobs


def _reasoning(
    body: dict[str, Any], dialect: Dialect, spec: CompletionSpec, omissions: Omissions
) -> None:
    wish = spec.reasoning
    if wish is None:
        return
    if wish.budget_tokens is not None:
        omissions.lacks("spec.reasoning.budget_tokens", "it takes an effort, not a budget")
    if wish.include_text and dialect.reasoning is ReasoningWish.EFFORT:
        omissions.lacks("spec.reasoning.include_text", "it keeps its reasoning to itself")
    if wish.effort is None:
        return
    if dialect.reasoning is ReasoningWish.THINKING:
        thinks = wish.effort is not Effort.NONE
        body["thinking"] = {"type": "enabled" if thinks else "disabled"}
        if not thinks:
            return
    body["reasoning_effort"] = wish.effort.value


def _tool(dialect: Dialect, index: int, tool: Tool) -> Any:
    if not isinstance(tool, FunctionTool):
        if tool.provider != dialect.name:
            path = f"spec.tools[{index}].provider_tool"
            raise unsupported(dialect.name, path, f"it is a tool of {tool.provider}")
        return tool.config
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters_json_schema:
        path = f"spec.tools[{index}].function.parameters_json_schema"
        function["parameters"] = _schema(dialect, path, tool.parameters_json_schema)
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _tool_choice(
    body: dict[str, Any], dialect: Dialect, choice: ToolChoice, omissions: Omissions
) -> None:
    if choice.function_name:
        body["tool_choice"] = {"type": "function", "function": {"name": choice.function_name}}
    elif "tools" in body or choice.mode is ToolMode.REQUIRED:
        # Providers refuse a choice without tools; the one that means nothing is left unsaid.
        body["tool_choice"] = choice.mode.value
    if choice.disable_parallel and "tools" in body:
        if "tool_choice.disable_parallel" in dialect.lacks:
            omissions.lacks("spec.tool_choice.disable_parallel")
        else:
            body["parallel_tool_calls"] = False


def _response_format(dialect: Dialect, spec: CompletionSpec, omissions: Omissions) -> Any:
    wanted = spec.output_format
    if not isinstance(wanted, JsonSchemaFormat):
        return {"type": "json_object"}
    path = "spec.output_format.json_schema"
    parsed = _schema(dialect, f"{path}.schema_json", wanted.schema_json)
    if not dialect.json_schema:
        omissions.lacks(path, "it knows only json_object")
        return {"type": "json_object"}
    schema = {"name": wanted.name, "schema": parsed, "strict": wanted.strict}
    return {"type": "json_schema", "json_schema": schema}


def _schema(dialect: Dialect, path: str, text: str) -> dict[str, Any]:
    try:
        parsed: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        what = f"is not JSON: {error}"
    else:
        if isinstance(parsed, dict):
            return parsed
        what = "must be a JSON object"
    message = f"{dialect.name}: {path} {what}"
    raise ProviderFailure(ErrorReason.INVALID_REQUEST, message, local=True, field=path)

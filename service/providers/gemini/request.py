"""Calls into requests. Keys stand in a fixed order, so that equal calls give equal bytes.

A part's cache hint is ignored: Gemini caches prompts by itself, without being asked.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from service.domain.completion import (
    CompletionSpec,
    Effort,
    FunctionTool,
    JsonSchemaFormat,
    ReasoningWish,
    ToolChoice,
    ToolMode,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, ProviderCall
from service.domain.reasons import ErrorReason
from service.providers.gemini.content import conversation
from service.providers.gemini.response import NAME
from service.providers.wire import Omissions, WireRequest, merge, unsupported

_MODES = {ToolMode.AUTO: "AUTO", ToolMode.NONE: "NONE", ToolMode.REQUIRED: "ANY"}
# Models before Gemini 3 count reasoning in tokens; Google's own figures for its OpenAI endpoint.
_BUDGETS = {
    Effort.NONE: 0,
    Effort.MINIMAL: 1024,
    Effort.LOW: 1024,
    Effort.MEDIUM: 8192,
    Effort.HIGH: 24576,
}
_BY_BUDGET = ("gemini-1", "gemini-2")


def completion_request(call: ProviderCall, *, stream: bool) -> WireRequest:
    """Raises ProviderFailure(local=True) for what Gemini lacks."""
    body, dropped = _body(call)
    merge(body, call.spec.provider_options.get(NAME, {}))
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return WireRequest(
        f"{_path(call.model)}:{method}", orjson.dumps(body), dropped_parameters=dropped
    )


def count_request(call: ProviderCall) -> WireRequest:
    """As `completion_request`, for the endpoint that counts and bills nothing."""
    body, _ = _body(call)
    counted = {"generateContentRequest": {"model": _path(call.model)[1:], **body}}
    return WireRequest(f"{_path(call.model)}:countTokens", orjson.dumps(counted))


def embedding_request(call: EmbeddingCall) -> WireRequest:
    request: dict[str, Any] = {"model": _path(call.model)[1:]}
    if call.dimensions is not None:
        request["outputDimensionality"] = call.dimensions
    requests = [{**request, "content": {"parts": [{"text": text}]}} for text in call.inputs]
    return WireRequest(
        f"{_path(call.model)}:batchEmbedContents", orjson.dumps({"requests": requests})
    )


def _path(model: str) -> str:
    return f"/models/{quote(model.removeprefix('models/'), safe='')}"


def _body(call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = call.spec
    omissions = Omissions(NAME, call.on_unsupported)
    system, contents = conversation(spec.messages, omissions)
    body: dict[str, Any] = {}
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    if spec.tools:
        body["tools"] = _tools(spec, omissions)
    if spec.tool_choice is not None and spec.tools:
        body["toolConfig"] = {"functionCallingConfig": _tool_choice(spec.tool_choice, omissions)}
    body["generationConfig"] = _generation_config(call, omissions)
    return body, omissions.dropped


def _generation_config(call: ProviderCall, omissions: Omissions) -> dict[str, Any]:
    spec = call.spec
    sampling, defaults = spec.sampling, call.defaults
    temperature, max_tokens = sampling.temperature, sampling.max_output_tokens
    wishes: dict[str, Any] = {
        "temperature": defaults.temperature if temperature is None else temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "maxOutputTokens": defaults.max_output_tokens if max_tokens is None else max_tokens,
        "stopSequences": list(sampling.stop) or None,
        "seed": sampling.seed,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "responseLogprobs": True if sampling.top_logprobs is not None else None,
        "logprobs": sampling.top_logprobs or None,
    }
    config = {name: value for name, value in wishes.items() if value is not None}
    if spec.output_format is not None:
        config["responseMimeType"] = "application/json"
        if isinstance(spec.output_format, JsonSchemaFormat):
            path = "spec.output_format.json_schema.schema_json"
            config["responseJsonSchema"] = _parsed(path, spec.output_format.schema_json)
    thinking = _thinking(call.model, spec.reasoning, omissions)
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _thinking(model: str, wish: ReasoningWish | None, omissions: Omissions) -> dict[str, Any]:
    if wish is None:
        return {}
    thinking: dict[str, Any] = {}
    by_budget = model.removeprefix("models/").startswith(_BY_BUDGET)
    if wish.budget_tokens is not None:
        if by_budget:
            thinking["thinkingBudget"] = wish.budget_tokens
        else:
            omissions.lacks("spec.reasoning.budget_tokens", "it takes an effort, not a budget")
    elif wish.effort is not None and by_budget:
        thinking["thinkingBudget"] = _BUDGETS[wish.effort]
    elif wish.effort is not None:
        # These models always think a little: minimal is their least.
        least = wish.effort is Effort.NONE
        thinking["thinkingLevel"] = Effort.MINIMAL.value if least else wish.effort.value
    if wish.include_text:
        thinking["includeThoughts"] = True
    return thinking


def _tools(spec: CompletionSpec, omissions: Omissions) -> list[Any]:
    functions: list[dict[str, Any]] = []
    others: list[Any] = []
    for index, tool in enumerate(spec.tools):
        path = f"spec.tools[{index}]"
        if not isinstance(tool, FunctionTool):
            if tool.provider != NAME:
                raise unsupported(NAME, f"{path}.provider_tool", f"it is a tool of {tool.provider}")
            others.append(tool.config)
            continue
        if tool.strict:
            omissions.lacks(f"{path}.function.strict")
        function: dict[str, Any] = {"name": tool.name}
        if tool.description:
            function["description"] = tool.description
        if tool.parameters_json_schema:
            field = f"{path}.function.parameters_json_schema"
            function["parametersJsonSchema"] = _parsed(field, tool.parameters_json_schema)
        functions.append(function)
    return [{"functionDeclarations": functions}, *others] if functions else others


def _tool_choice(choice: ToolChoice, omissions: Omissions) -> dict[str, Any]:
    if choice.disable_parallel:
        omissions.lacks("spec.tool_choice.disable_parallel")
    if choice.function_name:
        return {"mode": "ANY", "allowedFunctionNames": [choice.function_name]}
    return {"mode": _MODES[choice.mode]}


def _parsed(path: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"{NAME}: {path} is not JSON: {error}"
        raise ProviderFailure(
            ErrorReason.INVALID_REQUEST, message, local=True, field=path
        ) from None

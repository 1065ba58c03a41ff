"""Calls into requests. Keys stand in a fixed order, so that equal calls give equal bytes.

A part's cache hint is ignored: it is a hint, and Gemini caches prompts by itself, without being
asked. `provider_options` are merged last, over what the service wrote.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from service.domain.completion import CompletionSpec, FunctionTool, JsonSchemaFormat, ToolMode
from service.domain.provider import EmbeddingCall, ProviderCall
from service.providers.gemini.content import conversation
from service.providers.gemini.models import Traits, traits
from service.providers.gemini.response import NAME
from service.providers.gemini.thinking import thinking_config
from service.providers.jsontext import body_bytes, finite, json_object
from service.providers.wire import Omissions, WireRequest, merge, unsupported

_MODES = {ToolMode.AUTO: "AUTO", ToolMode.NONE: "NONE", ToolMode.REQUIRED: "ANY"}
_SEED_MAX = 2**31 - 1
_OPTIONS = f"spec.provider_options['{NAME}']"
_OLD_SAMPLING = ("temperature", "top_p", "top_k")


def completion_request(call: ProviderCall, *, stream: bool) -> WireRequest:
    """Raises ProviderFailure(local=True) for what Gemini lacks."""
    body, dropped = _body(call)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return WireRequest(
        f"{_path(call.model)}:{method}", body_bytes(NAME, body), dropped_parameters=dropped
    )


def count_request(call: ProviderCall) -> WireRequest:
    """As `completion_request`, for the endpoint that counts and bills nothing."""
    body, dropped = _body(call)
    counted = {"generateContentRequest": {"model": _resource(call.model), **body}}
    return WireRequest(
        f"{_path(call.model)}:countTokens", body_bytes(NAME, counted), dropped_parameters=dropped
    )


def embedding_request(call: EmbeddingCall) -> WireRequest:
    request: dict[str, Any] = {"model": _resource(call.model)}
    if call.dimensions is not None:
        request["outputDimensionality"] = call.dimensions
    requests = [{**request, "content": {"parts": [{"text": text}]}} for text in call.inputs]
    body = body_bytes(NAME, {"requests": requests})
    return WireRequest(f"{_path(call.model)}:batchEmbedContents", body)


def _resource(model: str) -> str:
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def _path(model: str) -> str:
    collection, _, name = _resource(model).partition("/")
    return f"/{collection}/{quote(name, safe='')}"


def _body(call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = call.spec
    model = traits(call.model)
    omissions = Omissions(NAME, call.on_unsupported)
    system, contents = conversation(spec.messages, model, omissions)
    body: dict[str, Any] = {}
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    if spec.tools:
        body["tools"] = _tools(spec, omissions)
    calling = _function_calling(spec, omissions)
    if calling:
        body["toolConfig"] = {"functionCallingConfig": calling}
    config = _generation_config(call, model, omissions)
    if config:
        body["generationConfig"] = config
    merge(body, finite(NAME, _OPTIONS, spec.provider_options.get(NAME, {})))
    return body, omissions.dropped


def _generation_config(call: ProviderCall, model: Traits, omissions: Omissions) -> dict[str, Any]:
    config = _sampling(call, model, omissions)
    wanted = call.spec.output_format
    if wanted is not None:
        config["responseMimeType"] = "application/json"
        if isinstance(wanted, JsonSchemaFormat):
            path = "spec.output_format.json_schema.schema_json"
            config["responseJsonSchema"] = json_object(NAME, path, wanted.schema_json)
    thinking = thinking_config(call.spec.reasoning, model, omissions)
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _sampling(call: ProviderCall, model: Traits, omissions: Omissions) -> dict[str, Any]:
    sampling, defaults = call.spec.sampling, call.defaults
    temperature, max_tokens = sampling.temperature, sampling.max_output_tokens
    if temperature is None and model.sampling:
        temperature = defaults.temperature
    wishes: dict[str, tuple[str, Any]] = {
        "temperature": ("temperature", temperature),
        "topP": ("top_p", sampling.top_p),
        "topK": ("top_k", sampling.top_k),
        "maxOutputTokens": (
            "max_output_tokens",
            defaults.max_output_tokens if max_tokens is None else max_tokens,
        ),
        "stopSequences": ("stop", list(sampling.stop) or None),
        "seed": ("seed", sampling.seed),
        "presencePenalty": ("presence_penalty", sampling.presence_penalty),
        "frequencyPenalty": ("frequency_penalty", sampling.frequency_penalty),
        "responseLogprobs": ("top_logprobs", sampling.top_logprobs is not None or None),
        "logprobs": ("top_logprobs", sampling.top_logprobs or None),
    }
    config: dict[str, Any] = {}
    for name, (field, value) in wishes.items():
        path = f"spec.sampling.{field}"
        if value is None:
            continue
        if field in _OLD_SAMPLING and not model.sampling:
            omissions.lacks(path, "the model cannot be sampled differently")
        elif field == "seed" and abs(value) > _SEED_MAX:
            omissions.lacks(path, "it takes 32 bits")
        else:
            config[name] = finite(NAME, path, value)
    return config


def _tools(spec: CompletionSpec, omissions: Omissions) -> list[Any]:
    functions: list[dict[str, Any]] = []
    others: list[Any] = []
    for index, tool in enumerate(spec.tools):
        path = f"spec.tools[{index}]"
        if not isinstance(tool, FunctionTool):
            if tool.provider != NAME:
                raise unsupported(NAME, f"{path}.provider_tool", f"it is a tool of {tool.provider}")
            others.append(finite(NAME, f"{path}.provider_tool.config", tool.config))
            continue
        if tool.strict:
            omissions.lacks(f"{path}.function.strict")
        function: dict[str, Any] = {"name": tool.name}
        if tool.description:
            function["description"] = tool.description
        if tool.parameters_json_schema:
            field = f"{path}.function.parameters_json_schema"
            schema = json_object(NAME, field, tool.parameters_json_schema)
            function["parametersJsonSchema"] = schema
        functions.append(function)
    return [{"functionDeclarations": functions}, *others] if functions else others


def _function_calling(spec: CompletionSpec, omissions: Omissions) -> dict[str, Any]:
    choice = spec.tool_choice
    if choice is None:
        return {}
    if choice.disable_parallel and spec.tools:
        omissions.lacks("spec.tool_choice.disable_parallel")
    if choice.function_name:
        return {"mode": "ANY", "allowedFunctionNames": [choice.function_name]}
    # Without functions there is nothing to choose from; that one must be is Gemini's to refuse.
    if choice.mode is ToolMode.REQUIRED or any(isinstance(t, FunctionTool) for t in spec.tools):
        return {"mode": _MODES[choice.mode]}
    return {}

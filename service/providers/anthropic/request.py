"""Calls into requests. Keys stand in a fixed order, so that equal calls give equal bytes.

`provider_options` are merged last, over what the service wrote. Of them `betas`, a list of names,
is sent as the `anthropic-beta` header, and `stream` is never the caller's.
"""

from __future__ import annotations

import re
from typing import Any, cast

from service.domain.completion import (
    CompletionSpec,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    Tool,
    ToolChoice,
    ToolMode,
)
from service.domain.provider import ProviderCall
from service.providers.anthropic.content import conversation
from service.providers.anthropic.models import Traits, traits
from service.providers.anthropic.response import NAME
from service.providers.anthropic.thinking import max_tokens, think, thinks
from service.providers.jsontext import body_bytes, finite, invalid, json_object
from service.providers.wire import Omissions, WireRequest, merge, unsupported

_MODES = {ToolMode.AUTO: "auto", ToolMode.NONE: "none", ToolMode.REQUIRED: "any"}
_COUNTED = (
    "model",
    "system",
    "messages",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
)
_LACKING = ("seed", "frequency_penalty", "presence_penalty", "top_logprobs")
_BETA = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_OPTIONS = f"spec.provider_options['{NAME}']"


def completion_request(call: ProviderCall, *, stream: bool) -> WireRequest:
    """Raises ProviderFailure(local=True) for what Anthropic lacks."""
    body, headers, dropped = _request(call)
    body.pop("stream", None)
    if stream:
        body["stream"] = True
    return WireRequest("/v1/messages", body_bytes(NAME, body), headers, dropped)


def count_request(call: ProviderCall) -> WireRequest:
    """As `completion_request`, for the endpoint that counts and bills nothing."""
    body, headers, dropped = _request(call)
    counted = {name: body[name] for name in _COUNTED if name in body}
    return WireRequest("/v1/messages/count_tokens", body_bytes(NAME, counted), headers, dropped)


def _request(call: ProviderCall) -> tuple[dict[str, Any], dict[str, str], tuple[str, ...]]:
    body, dropped = _body(call)
    options = dict(finite(NAME, _OPTIONS, call.spec.provider_options.get(NAME, {})))
    headers = _beta_header(options.pop("betas", None))
    merge(body, options)
    return body, headers, dropped


def _body(call: ProviderCall) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = call.spec
    model = traits(call.model)
    omissions = Omissions(NAME, call.on_unsupported)
    system, messages = conversation(spec.messages, omissions, system_amid=model.system_amid)
    body: dict[str, Any] = {"model": call.model, "max_tokens": max_tokens(call, model)}
    if system:
        body["system"] = system
    body["messages"] = messages
    if spec.tools:
        body["tools"] = [_tool(index, tool) for index, tool in enumerate(spec.tools)]
    if spec.tool_choice is not None:
        _tool_choice(body, spec.tool_choice)
    think(body, spec.reasoning, model, omissions)
    _output_format(body, spec, omissions)
    _sampling(body, call, model, omissions)
    return body, omissions.dropped


def _sampling(
    body: dict[str, Any], call: ProviderCall, model: Traits, omissions: Omissions
) -> None:
    sampling = call.spec.sampling
    wishes = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    for name, value in wishes.items():
        if value is None:
            continue
        finite(NAME, f"spec.sampling.{name}", value)
        why = _refused(name, value, model, thinking=thinks(body))
        if why:
            omissions.lacks(f"spec.sampling.{name}", why)
        else:
            body[name] = value
    default = call.defaults.temperature
    unsaid = sampling.temperature is None and sampling.top_p is None and not thinks(body)
    # Where a temperature would be refused, as beside top_p, a default must not break the call.
    if default is not None and unsaid and default <= 1 and model.sampling:
        body["temperature"] = default
    if sampling.stop:
        body["stop_sequences"] = list(sampling.stop)
    for name in _LACKING:
        if getattr(sampling, name) is not None:
            omissions.lacks(f"spec.sampling.{name}")


def _refused(name: str, value: float, model: Traits, *, thinking: bool) -> str:
    """Why Anthropic would refuse this value, "" if it would not."""
    if name == "temperature" and value > 1:
        return "it takes at most 1"
    if name != "top_k" and value == 1:
        # What it means by no value at all: accepted everywhere.
        return ""
    if not model.sampling:
        return "the model cannot be sampled differently"
    if thinking and name != "top_p":
        return "it cannot be set while the model thinks"
    return ""


def _tool(index: int, tool: Tool) -> Any:
    path = f"spec.tools[{index}]"
    if not isinstance(tool, FunctionTool):
        if tool.provider != NAME:
            raise unsupported(NAME, f"{path}.provider_tool", f"it is a tool of {tool.provider}")
        return finite(NAME, f"{path}.provider_tool.config", tool.config)
    wire: dict[str, Any] = {"name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    schema = tool.parameters_json_schema or '{"type":"object","properties":{}}'
    field = f"{path}.function.parameters_json_schema"
    wire["input_schema"] = json_object(NAME, field, schema)
    if tool.strict:
        wire["strict"] = True
    return wire


def _tool_choice(body: dict[str, Any], choice: ToolChoice) -> None:
    if choice.function_name:
        wire: dict[str, Any] = {"type": "tool", "name": choice.function_name}
    elif "tools" in body or choice.mode is ToolMode.REQUIRED:
        wire = {"type": _MODES[choice.mode]}
    else:
        return  # Refused without tools, and means nothing.
    if choice.disable_parallel and wire["type"] != "none":
        wire["disable_parallel_tool_use"] = True
    body["tool_choice"] = wire


def _output_format(body: dict[str, Any], spec: CompletionSpec, omissions: Omissions) -> None:
    match spec.output_format:
        case JsonSchemaFormat(schema_json=text):
            schema = json_object(NAME, "spec.output_format.json_schema.schema_json", text)
            config = body.setdefault("output_config", {})
            config["format"] = {"type": "json_schema", "schema": schema}
        case JsonObjectFormat():
            omissions.lacks("spec.output_format.json_object", "it takes a json_schema only")
        case None:
            pass


def _beta_header(betas: Any) -> dict[str, str]:
    if betas is None:
        return {}
    names = cast("list[Any]", betas) if isinstance(betas, list) else [betas]
    for name in names:
        if not isinstance(name, str) or not _BETA.fullmatch(name):
            raise invalid(NAME, f"{_OPTIONS}.betas", "must be a list of names of betas")
    return {"anthropic-beta": ",".join(names)} if names else {}

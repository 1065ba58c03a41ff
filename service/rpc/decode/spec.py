"""A CompletionSpec from the wire."""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as completion_pb
from aiprovider.v1 import content_pb2

from service.domain.completion import (
    CompletionSpec,
    Effort,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    OutputFormat,
    ProviderTool,
    ReasoningWish,
    Sampling,
    Tool,
    ToolChoice,
    ToolMode,
)
from service.rpc.decode.check import Check
from service.rpc.decode.content import messages

_MODEL_MAX_CHARS = 256
_STOP_MAX = 16
_Effort = completion_pb.ReasoningParams
_EFFORTS = {
    _Effort.EFFORT_UNSPECIFIED: None,
    _Effort.EFFORT_NONE: Effort.NONE,
    _Effort.EFFORT_MINIMAL: Effort.MINIMAL,
    _Effort.EFFORT_LOW: Effort.LOW,
    _Effort.EFFORT_MEDIUM: Effort.MEDIUM,
    _Effort.EFFORT_HIGH: Effort.HIGH,
}
_MODES = {
    content_pb2.ToolChoice.MODE_UNSPECIFIED: ToolMode.AUTO,
    content_pb2.ToolChoice.MODE_AUTO: ToolMode.AUTO,
    content_pb2.ToolChoice.MODE_NONE: ToolMode.NONE,
    content_pb2.ToolChoice.MODE_REQUIRED: ToolMode.REQUIRED,
}


def completion_spec(received: completion_pb.CompletionSpec) -> CompletionSpec:
    """Raises ServiceFailure INVALID_REQUEST with the path of every field at fault."""
    check = Check()
    tools = _tools(received, check)
    spec = CompletionSpec(
        model=check.text("spec.model", received.model, _MODEL_MAX_CHARS),
        messages=messages("spec.messages", list(received.messages), check),
        sampling=_sampling(received, check) if received.HasField("sampling") else Sampling(),
        tools=tools,
        tool_choice=_tool_choice(received, tools, check),
        output_format=_output_format(received, check),
        reasoning=_reasoning(received, check),
        provider_options={
            name: check.struct(f"spec.provider_options[{name!r}]", received.provider_options[name])
            for name in sorted(received.provider_options)
        },
    )
    check.finish()
    return spec


# Fields with presence: their bounds, in the units of the contract.
_BOUNDS = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "top_k": (1, 2**31),
    "max_output_tokens": (1, 2**31),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
    "top_logprobs": (0, 20),
}


def _sampling(received: completion_pb.CompletionSpec, check: Check) -> Sampling:
    sampling = received.sampling
    said: dict[str, float | int] = {}
    for field, value in sampling.ListFields():
        name = field.name
        if name in _BOUNDS:
            check.within(f"spec.sampling.{name}", value, *_BOUNDS[name])
        if name != "stop":
            said[name] = value
    if len(sampling.stop) > _STOP_MAX:
        check.refuse("spec.sampling.stop", f"must hold at most {_STOP_MAX} sequences")
    for index, sequence in enumerate(sampling.stop):
        check.text(f"spec.sampling.stop[{index}]", sequence)
    return Sampling(stop=tuple(sampling.stop), **said)  # pyright: ignore[reportArgumentType] - the field names and types are those of the message


def _tools(received: completion_pb.CompletionSpec, check: Check) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    names: set[str] = set()
    for index, tool in enumerate(received.tools):
        path = f"spec.tools[{index}]"
        match tool.WhichOneof("kind"):
            case "function":
                function = tool.function
                name = check.function_name(f"{path}.function.name", function.name)
                if name in names:
                    check.refuse(f"{path}.function.name", f"{name!r} is used twice")
                names.add(name)
                schema = function.parameters_json_schema
                if schema:
                    check.json_object(f"{path}.function.parameters_json_schema", schema)
                strict, deed = function.strict, function.has_side_effects
                tools.append(FunctionTool(name, function.description, schema, strict, deed))
            case "provider_tool":
                own = tool.provider_tool
                provider = check.text(f"{path}.provider_tool.provider", own.provider)
                config = check.struct(f"{path}.provider_tool.config", own.config)
                tools.append(ProviderTool(provider, config))
            case _:
                check.refuse(path, "must have a kind: function or provider_tool")
    return tuple(tools)


def _tool_choice(
    received: completion_pb.CompletionSpec, tools: tuple[Tool, ...], check: Check
) -> ToolChoice | None:
    if not received.HasField("tool_choice"):
        return None
    choice = received.tool_choice
    mode = _MODES.get(choice.mode)
    if mode is None:
        check.refuse("spec.tool_choice.mode", "must be a mode of this contract")
        mode = ToolMode.AUTO
    wants_one = choice.WhichOneof("choice") == "function_name"
    if wants_one:
        known = {tool.name for tool in tools if isinstance(tool, FunctionTool)}
        if choice.function_name not in known:
            check.refuse(
                "spec.tool_choice.function_name", f"{choice.function_name!r} is not in spec.tools"
            )
    elif mode is ToolMode.REQUIRED and not tools:
        check.refuse("spec.tool_choice.mode", "MODE_REQUIRED needs spec.tools")
    return ToolChoice(mode, choice.function_name, choice.disable_parallel)


def _output_format(received: completion_pb.CompletionSpec, check: Check) -> OutputFormat | None:
    if not received.HasField("output_format"):
        return None
    output = received.output_format
    match output.WhichOneof("kind"):
        case "json_schema":
            schema = output.json_schema
            path = "spec.output_format.json_schema"
            check.json_object(f"{path}.schema_json", schema.schema_json)
            name = schema.name or "answer"
            check.function_name(f"{path}.name", name)
            return JsonSchemaFormat(schema.schema_json, name, schema.strict)
        case "json_object":
            return JsonObjectFormat()
        case _:
            check.refuse("spec.output_format", "must have a kind: json_schema or json_object")
            return None


def _reasoning(received: completion_pb.CompletionSpec, check: Check) -> ReasoningWish | None:
    if not received.HasField("reasoning"):
        return None
    wish = received.reasoning
    if wish.effort not in _EFFORTS:
        check.refuse("spec.reasoning.effort", "must be an effort of this contract")
    budget_tokens = wish.budget_tokens if wish.HasField("budget_tokens") else None
    if budget_tokens is not None:
        check.at_least("spec.reasoning.budget_tokens", budget_tokens, 0)
    return ReasoningWish(_EFFORTS.get(wish.effort), budget_tokens, wish.include_text)

"""Calls into the arguments of `litellm.acompletion` and `litellm.aembedding`.

`provider_options` are not among them: the library takes its own settings from the same place, the
address and key included. They are merged into the body that it sends (`merged`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import orjson

from service.domain.completion import CompletionSpec, Effort
from service.domain.provider import Defaults, OnUnsupported, ProviderCall
from service.providers.litellm.dialect import Behind
from service.providers.litellm.messages import extend, translatable
from service.providers.openai.request import completion_body
from service.providers.wire import Omissions, merge

# What the library can be asked about, by the field of the spec that it comes from.
_PATHS = {
    "temperature": "spec.sampling.temperature",
    "top_p": "spec.sampling.top_p",
    "max_tokens": "spec.sampling.max_output_tokens",
    "max_completion_tokens": "spec.sampling.max_output_tokens",
    "stop": "spec.sampling.stop",
    "seed": "spec.sampling.seed",
    "frequency_penalty": "spec.sampling.frequency_penalty",
    "presence_penalty": "spec.sampling.presence_penalty",
    "logprobs": "spec.sampling.top_logprobs",
    "top_logprobs": "spec.sampling.top_logprobs",
    "tools": "spec.tools",
    "tool_choice": "spec.tool_choice",
    "parallel_tool_calls": "spec.tool_choice.disable_parallel",
    "response_format": "spec.output_format",
    "reasoning_effort": "spec.reasoning.effort",
}


def completion_arguments(
    behind: Behind, call: ProviderCall, supported: Collection[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The arguments, and the spec paths that were left out. `supported` is the library's word.

    Raises ProviderFailure(local=True) for what the provider lacks.
    """
    spec = replace(call.spec, messages=translatable(behind, call.spec.messages))
    thinking = _thinking(spec, supported)
    if thinking is not None and spec.reasoning is not None:
        spec = replace(spec, reasoning=replace(spec.reasoning, effort=None, budget_tokens=None))
    defaults = _defaults(call, supported)
    body, dropped = completion_body(behind.dialect, replace(call, spec=spec, defaults=defaults))
    extend(behind, spec.messages, body["messages"])
    omissions = Omissions(behind.dialect.name, call.on_unsupported)
    for name, path in _PATHS.items():
        if name in body and name not in supported:
            omissions.lacks(path, "the library knows no such parameter of this model")
            del body[name]
    if "logprobs" not in body:
        body.pop("top_logprobs", None)
    if thinking is not None:
        body["thinking"] = thinking
    return body, _joined(dropped, omissions.dropped)


def merged(body: bytes, options: Sequence[Mapping[str, Any]]) -> bytes:
    """`body` with the caller's options laid over it. Unchanged if it is no JSON object."""
    if not any(options):
        return body
    try:
        parsed: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(parsed, dict):
        return body
    fields = cast("dict[str, Any]", parsed)
    for option in options:
        merge(fields, option)
    return orjson.dumps(fields)


def counted_messages(behind: Behind, call: ProviderCall) -> tuple[Any, Any]:
    """The messages and tools of a call, for a count of tokens that asks nobody."""
    forgiving = replace(call, on_unsupported=OnUnsupported.DROP)
    body, _ = completion_body(behind.dialect, forgiving)
    return body["messages"], body.get("tools")


def _thinking(spec: CompletionSpec, supported: Collection[str]) -> dict[str, Any] | None:
    wish = spec.reasoning
    if wish is None or wish.budget_tokens is None or "thinking" not in supported:
        return None
    if wish.budget_tokens == 0:
        return {"type": "disabled"}
    return {"type": "enabled", "budget_tokens": wish.budget_tokens}


def _defaults(call: ProviderCall, supported: Collection[str]) -> Defaults:
    wish = call.spec.reasoning
    thinks = wish is not None and wish.effort is not Effort.NONE
    # Models that think refuse a temperature as often as not; a default is never worth that.
    if thinks or "temperature" not in supported:
        return replace(call.defaults, temperature=None)
    return call.defaults


def _joined(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))

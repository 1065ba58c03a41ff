"""Short ways to ask the family for a body."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from service.domain.completion import (
    CompletionSpec,
    FunctionTool,
    Message,
    Part,
    Role,
    Text,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import ProviderCall
from service.providers.openai import OPENAI, Dialect, OpenAI

HELLO = (Message(Role.USER, (Text("hello"),)),)


WEATHER = FunctionTool("weather", "Tells it.", '{"type":"object","properties":{}}', strict=True)


def spec_of(**fields: Any) -> CompletionSpec:
    return replace(CompletionSpec("m", HELLO), **fields)


def call(spec: CompletionSpec, **changes: Any) -> ProviderCall:
    return replace(ProviderCall(spec, "m"), **changes)


def body(
    spec: CompletionSpec, dialect: Dialect = OPENAI, *, stream: bool = False, **changes: Any
) -> dict[str, Any]:
    request = OpenAI(dialect).completion_request(call(spec, **changes), stream=stream)
    return orjson.loads(request.body)


def asked(dialect: Dialect = OPENAI, **fields: Any) -> dict[str, Any]:
    return body(spec_of(**fields), dialect)


def said(role: Role, *parts: Part, dialect: Dialect = OPENAI) -> Any:
    return asked(dialect, messages=(Message(role, parts),))["messages"][0]


def refused(dialect: Dialect = OPENAI, **fields: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        asked(dialect, **fields)
    assert caught.value.local
    return caught.value

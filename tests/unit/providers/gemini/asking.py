"""Short ways to have a call written for the family."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import CompletionSpec, Message, Part, Role, Text
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, OnUnsupported, ProviderCall
from service.providers.gemini import Gemini
from service.providers.wire import WireRequest

MODEL = "gemini-2.5-flash"


def message(role: Role, *parts: Part | str) -> Message:
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def user(*parts: Part | str) -> Message:
    return message(Role.USER, *parts)


def call(
    *messages: Message,
    model: str = MODEL,
    defaults: Defaults = Defaults(),
    drop: bool = False,
    **fields: Any,
) -> ProviderCall:
    spec = CompletionSpec("asked", messages or (user("hi"),), **fields)
    policy = OnUnsupported.DROP if drop else OnUnsupported.REFUSE
    return ProviderCall(spec, model, defaults, policy)


def request(*messages: Message, **fields: Any) -> WireRequest:
    return Gemini().completion_request(call(*messages, **fields), stream=False)


def body(*messages: Message, **fields: Any) -> Any:
    return orjson.loads(request(*messages, **fields).body)


def config(**fields: Any) -> Any:
    return body(**fields).get("generationConfig", {})


def refused(*messages: Message, **fields: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        request(*messages, **fields)
    assert caught.value.local
    return caught.value

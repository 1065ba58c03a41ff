"""Short ways to have an answer of the family decoded, whole or streamed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import (
    Completion,
)
from service.domain.errors import ProviderFailure
from service.domain.events import (
    StreamEvent,
)
from service.providers.openai import OpenAI
from service.providers.wire import SseEvent


def answer(message: Any, finish_reason: Any = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return orjson.dumps({"id": "r1", "object": "chat.completion", "choices": [choice], **fields})


def completion(message: Any, finish_reason: Any = "stop", **fields: Any) -> Completion:
    return OpenAI().completion(answer(message, finish_reason, **fields))


def refused(body: bytes) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        OpenAI().completion(body)
    return caught.value


DONE = SseEvent("", b"[DONE]")


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(delta: Any, finish_reason: Any = None, **choice: Any) -> dict[str, Any]:
    whole = {"index": 0, "delta": delta, "finish_reason": finish_reason, **choice}
    return {"id": "r1", "object": "chat.completion.chunk", "choices": [whole]}


def sse(value: Any) -> SseEvent:
    return SseEvent("", orjson.dumps(value))


def events(*chunks: Any, done: bool = True) -> list[StreamEvent]:
    decoder = OpenAI().stream_decoder()
    decoded = [event for value in chunks for event in decoder.feed(sse(value))]
    return [*decoded, *decoder.feed(DONE)] if done else decoded


def stream_failure(*chunks: Any, done: bool = True) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        events(*chunks, done=done)
    return caught.value


def fragment(index: int | None, arguments: str, **first: Any) -> dict[str, Any]:
    function = {"arguments": arguments}
    if "name" in first:
        function["name"] = first.pop("name")
    place = {} if index is None else {"index": index}
    return {**place, **first, "function": function}

"""Short ways to have an answer of the family decoded, whole or streamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from service.domain.completion import Completion, Ending
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent
from service.providers.gemini import Gemini
from service.providers.sse import SseReader
from service.providers.wire import SseEvent

GOLDEN = Path(__file__).parent / "golden"


def golden_events(name: str) -> list[SseEvent]:
    reader = SseReader("gemini", 1_000_000)
    return reader.feed((GOLDEN / f"{name}.sse").read_bytes())


def chunk(*parts: Any, finish: Any = None, **candidate: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, **candidate}
    if finish is not None:
        told["finishReason"] = finish
    return {"candidates": [told]}


def text(*words: str) -> list[dict[str, Any]]:
    return [chunk({"text": word}) for word in words]


def completion(told: Any) -> Completion:
    return Gemini().completion(orjson.dumps(told))


def refused(told: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        Gemini().completion(told if isinstance(told, bytes) else orjson.dumps(told))
    return caught.value


def events(*told: Any, framed: bool = True) -> list[StreamEvent]:
    decoder = Gemini().stream_decoder()
    found = [event for one in told for event in decoder.feed(SseEvent("", orjson.dumps(one)))]
    return [*found, *decoder.close(framed=framed)]


def broken(*told: Any, framed: bool = True) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        events(*told, framed=framed)
    return caught.value


def ending(found: list[StreamEvent]) -> Ending:
    last = found[-1]
    assert isinstance(last, Ending)
    return last

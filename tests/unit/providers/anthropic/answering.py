"""Short ways to have an answer of the family decoded, whole or streamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from service.domain.completion import Completion, Ending
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent
from service.providers.anthropic import Anthropic
from service.providers.sse import SseReader
from service.providers.wire import SseEvent

GOLDEN = Path(__file__).parent / "golden"
USAGE = {"input_tokens": 3, "output_tokens": 2}


def golden_events(name: str) -> list[SseEvent]:
    reader = SseReader("anthropic", 1_000_000)
    return reader.feed((GOLDEN / f"{name}.sse").read_bytes())


def answer(*blocks: Any, stop_reason: Any = "end_turn", **fields: Any) -> bytes:
    told = {"id": "msg_1", "type": "message", "role": "assistant", "content": list(blocks)}
    return orjson.dumps({**told, "stop_reason": stop_reason, "usage": USAGE, **fields})


def completion(*blocks: Any, **fields: Any) -> Completion:
    return Anthropic().completion(answer(*blocks, **fields))


def start(**fields: Any) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    return {"type": "message_start", "message": {**message, "usage": USAGE, **fields}}


def block(index: Any, content: Any, *deltas: Any) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def end(stop_reason: Any = "end_turn", **usage: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


TEXT = {"type": "text", "text": ""}


def said(*words: str) -> list[dict[str, Any]]:
    return block(0, TEXT, *({"type": "text_delta", "text": word} for word in words))


def json_delta(fragment: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": fragment}


def events(*told: Any, closed: bool | None = None) -> list[StreamEvent]:
    """`closed` is None for a body that is still open, else how it was framed."""
    decoder = Anthropic().stream_decoder()
    found = [event for one in told for event in decoder.feed(sse(one))]
    return found if closed is None else [*found, *decoder.close(framed=closed)]


def sse(told: Any) -> SseEvent:
    name = told.get("type", "") if isinstance(told, dict) else ""
    return SseEvent(str(name), orjson.dumps(told))


def broken(*told: Any, closed: bool | None = None) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        events(*told, closed=closed)
    return caught.value


def ending(found: list[StreamEvent]) -> Ending:
    last = found[-1]
    assert isinstance(last, Ending)
    return last

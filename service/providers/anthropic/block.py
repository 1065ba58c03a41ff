"""One content block of Anthropic while it is being spoken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.completion import Part, ProviderPart, Reasoning
from service.domain.events import (
    PartDone,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from service.providers.anthropic.response import NAME, extra, part, text
from service.providers.shape import record


class Block:
    """`rest` is what the deltas do not carry, `extra` what the domain has no place for."""

    __slots__ = ("extra", "fragments", "index", "kind", "rest", "spoken", "start")

    def __init__(self, index: int, start: dict[str, Any]) -> None:
        self.index = index
        self.kind = text(start["type"])
        self.start = start
        self.rest: Part | None = None
        # True once arguments of a tool call were sent on.
        self.spoken = False
        # The input of a block that is kept whole, as far as it was told.
        self.fragments: list[str] = []
        self.extra: dict[str, Any] = dict(extra(start))

    def begun(self) -> Sequence[StreamEvent]:
        """What the start of the block says by itself."""
        match self.kind:
            case "text":
                said = text(self.start.get("text") or "")
                return (TextDelta(said, self.index),) if said else ()
            case "thinking":
                thought = text(self.start.get("thinking") or "")
                signature = text(self.start.get("signature") or "")
                if signature:
                    self.rest = Reasoning(signature=signature.encode())
                return (ReasoningDelta(thought, self.index),) if thought else ()
            case "tool_use":
                call_id, name = text(self.start["id"]), text(self.start["name"])
                return (ToolCallDelta(self.index, call_id, name),)
            case _:
                self.rest = part(self.start)
                return ()

    def done(self) -> Sequence[StreamEvent]:
        """What is left to say of the block."""
        last = PartDone(self.index, self.rest)
        if self.kind == "tool_use" and not self.spoken:
            # Told whole at the start, or not at all: a function without arguments.
            told = orjson.dumps(record(self.start.get("input"), "input")).decode()
            return (ToolCallDelta(self.index, arguments_json_fragment=told), last)
        if self.fragments and isinstance(self.rest, ProviderPart):
            told = {**self.rest.value, **_input("".join(self.fragments))}
            return (PartDone(self.index, ProviderPart(NAME, told)),)
        return (last,)


def _input(spoken: str) -> dict[str, Any]:
    # A limit of tokens may cut it.
    try:
        return {"input": orjson.loads(spoken)}
    except orjson.JSONDecodeError:
        return {"partial_json": spoken}

"""Whole answers."""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2, usage_pb2

from aiprovider_client.caching import is_cached


class Answer:
    """A whole answer; `raw` is the message of the contract with all that is not repeated here."""

    def __init__(self, raw: pb.CompleteResponse) -> None:
        self.raw = raw

    def __repr__(self) -> str:
        return f"<Answer by {self.served_by.provider}/{self.served_by.model}: {self.text[:60]!r}>"

    @property
    def text(self) -> str:
        """All text, joined; "" if it is a refusal or tool calls only."""
        return "".join(part.text for part in self.raw.message.parts)

    @property
    def reasoning(self) -> str:
        return "".join(part.reasoning.text for part in self.raw.message.parts)

    @property
    def refusal(self) -> str:
        return "".join(part.refusal for part in self.raw.message.parts)

    @property
    def tool_calls(self) -> list[content_pb2.ToolCall]:
        parts = self.raw.message.parts
        return [part.tool_call for part in parts if part.HasField("tool_call")]

    @property
    def message(self) -> content_pb2.Message:
        """Append it to the messages of the next turn as it is."""
        return self.raw.message

    @property
    def usage(self) -> usage_pb2.Usage:
        return self.raw.usage

    @property
    def cost(self) -> usage_pb2.Cost:
        """Of every attempt that was made for it, in nano-USD; `unpriced` where that is unknown."""
        return self.raw.cost

    @property
    def served_by(self) -> routing_pb2.ModelRef:
        return self.raw.served_by

    @property
    def route(self) -> routing_pb2.RouteTrace:
        """How it came to be: every attempt, the policy, and who else could have been asked."""
        return self.raw.route

    @property
    def cached(self) -> bool:
        """Whether it was answered before, and comes from the cache or to an idempotency key."""
        return is_cached(self.raw.cache)

    @property
    def cache(self) -> routing_pb2.CacheInfo:
        """Where it came from, how old it was, and the key under which it is kept."""
        return self.raw.cache

    @property
    def finish_reason(self) -> str:
        """Such as `STOP`, `MAX_TOKENS`, `TOOL_CALLS`."""
        return pb.FinishReason.Name(self.raw.finish_reason).removeprefix("FINISH_REASON_")

"""Answers, whole and while they are spoken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import grpc
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2, usage_pb2

from aiprovider_client.errors import IncompleteStreamError, from_rpc


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
    def served_by(self) -> routing_pb2.ModelRef:
        return self.raw.served_by

    @property
    def finish_reason(self) -> str:
        """Such as `STOP`, `MAX_TOKENS`, `TOOL_CALLS`."""
        return pb.FinishReason.Name(self.raw.finish_reason).removeprefix("FINISH_REASON_")


class AnswerStream:
    """`async with client.stream(...) as stream:`, then iterate it, or its `texts()`.

    Leaving the block early cancels the call. After the last event `answer` is the whole answer.
    """

    def __init__(self, call: Any, target: str) -> None:
        self._call = call
        self._target = target
        self._answer = pb.CompleteResponse()
        self._parts: dict[int, content_pb2.Part] = {}
        self._finished = False

    @property
    def answer(self) -> Answer:
        """Raises IncompleteStreamError before the stream has finished."""
        if not self._finished:
            raise IncompleteStreamError("the stream has not finished", reason="INCOMPLETE_STREAM")
        return Answer(self._answer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._finished:
            self._call.cancel()

    async def __aiter__(self) -> AsyncIterator[pb.StreamCompleteResponse]:
        try:
            async for event in self._call:
                self._take(event)
                yield event
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error
        if not self._finished:
            raise IncompleteStreamError(
                "the stream ended without StreamFinished", reason="INCOMPLETE_STREAM"
            )

    async def texts(self) -> AsyncIterator[str]:
        """The text alone, as it comes."""
        async for event in self:
            if event.WhichOneof("event") == "text":
                yield event.text.text

    def _take(self, event: pb.StreamCompleteResponse) -> None:
        answer = self._answer
        match event.WhichOneof("event"):
            case "text":
                self._part(event.text.part_index).text += event.text.text
                answer.logprobs.extend(event.text.logprobs)
            case "reasoning":
                self._part(event.reasoning.part_index).reasoning.text += event.reasoning.text
            case "tool_call":
                call = self._part(event.tool_call.part_index).tool_call
                call.id = call.id or event.tool_call.id
                call.name = call.name or event.tool_call.name
                call.arguments_json += event.tool_call.arguments_json_fragment
            case "part_done":
                self._part(event.part_done.part_index).MergeFrom(_rest(event.part_done.part))
            case "started":
                started = event.started
                answer.id = started.id
                answer.served_by.CopyFrom(started.served_by)
                answer.cache.CopyFrom(started.cache)
                answer.create_time.CopyFrom(started.create_time)
            case "finished":
                self._finish(event.finished)
            case _:
                pass

    def _part(self, index: int) -> content_pb2.Part:
        return self._parts.setdefault(index, content_pb2.Part())

    def _finish(self, finished: pb.StreamFinished) -> None:
        answer = self._answer
        answer.message.role = content_pb2.ROLE_ASSISTANT
        parts = (self._parts[index] for index in sorted(self._parts))
        answer.message.parts.extend(part for part in parts if part.ByteSize())
        answer.finish_reason = finished.finish_reason
        answer.provider_finish_reason = finished.provider_finish_reason
        answer.provider_response_id = finished.provider_response_id
        answer.usage.CopyFrom(finished.usage)
        answer.cost.CopyFrom(finished.cost)
        answer.route.CopyFrom(finished.route)
        answer.timing.CopyFrom(finished.timing)
        answer.dropped_parameters.extend(finished.dropped_parameters)
        for provider, metadata in finished.provider_metadata.items():
            answer.provider_metadata[provider].CopyFrom(metadata)
        self._finished = True


def _rest(part: content_pb2.Part) -> content_pb2.Part:
    """What the deltas of a part did not carry; its empty text would clear what they did."""
    rest = content_pb2.Part()
    rest.CopyFrom(part)
    if rest.WhichOneof("kind") == "text" and not rest.text:
        rest.ClearField("text")
    if rest.WhichOneof("kind") == "tool_call" and not rest.tool_call.ByteSize():
        rest.ClearField("tool_call")
    return rest

"""An answer while it is spoken, and what becomes of it when it breaks off and begins again.

Two answers are never mixed: what `texts()` gives belongs to one of them, or it says otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, overload

import grpc
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2

from aiprovider_client.answers import Answer
from aiprovider_client.caching import is_cached
from aiprovider_client.errors import IncompleteStreamError, StreamRestartedError, from_rpc


@dataclass(frozen=True, slots=True)
class Restarted:
    """The answer broke off and begins again: every text before this is void."""

    served_by: routing_pb2.ModelRef
    """Who answers now."""
    broken: routing_pb2.Attempt
    """The attempt that broke off."""


class AnswerStream:
    """`async with client.stream(...) as stream:`, then iterate it, or its `texts()`.

    Leaving the block early cancels the call. After the last event `answer` is the whole answer;
    it holds nothing of what was void.
    """

    def __init__(self, call: Any, target: str) -> None:
        self._call = call
        self._events: Any = None
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

    @property
    def cached(self) -> bool:
        """As in Answer, from StreamStarted on; False before."""
        return is_cached(self._answer.cache)

    @property
    def cache(self) -> routing_pb2.CacheInfo:
        """As in Answer, from StreamStarted on; empty before."""
        return self._answer.cache

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

    def __aiter__(self) -> Self:
        """The events of the contract, StreamRestarted included."""
        return self

    async def __anext__(self) -> pb.StreamCompleteResponse:
        if self._events is None:
            self._events = aiter(self._call)
        try:
            event: pb.StreamCompleteResponse = await anext(self._events)
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error
        except StopAsyncIteration:
            if self._finished:
                raise
            raise IncompleteStreamError(
                "the stream ended without StreamFinished", reason="INCOMPLETE_STREAM"
            ) from None
        self._take(event)
        return event

    @overload
    def texts(self) -> AsyncIterator[str]: ...

    @overload
    def texts(self, *, restarts: bool) -> AsyncIterator[str | Restarted]: ...

    async def texts(self, *, restarts: bool = False) -> AsyncIterator[str | Restarted]:
        """The text alone, as it comes.

        Only a stream asked for with `restart=True` begins again. Where it does, a Restarted
        is given with `restarts=True`, and StreamRestartedError raised without: then call `texts()`
        once more for the answer that begins.
        """
        async for event in self:
            match event.WhichOneof("event"):
                case "text":
                    yield event.text.text
                case "restarted" if restarts:
                    yield Restarted(event.restarted.served_by, event.restarted.attempt)
                case "restarted":
                    raise _restarted(event.restarted)
                case _:
                    pass

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
            case "restarted":
                self._parts.clear()
                answer.ClearField("logprobs")
                answer.served_by.CopyFrom(event.restarted.served_by)
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


def _restarted(restarted: pb.StreamRestarted) -> StreamRestartedError:
    served = restarted.served_by
    return StreamRestartedError(
        f"the answer broke off and {served.provider}/{served.model} begins it again: what came"
        " before is void; texts(restarts=True) tells of it in place, texts() again goes on",
        reason="STREAM_RESTARTED",
        attempts=[restarted.attempt],
    )


def _rest(part: content_pb2.Part) -> content_pb2.Part:
    """What the deltas of a part did not carry; its empty text would clear what they did."""
    rest = content_pb2.Part()
    rest.CopyFrom(part)
    if rest.WhichOneof("kind") == "text" and not rest.text:
        rest.ClearField("text")
    if rest.WhichOneof("kind") == "tool_call" and not rest.tool_call.ByteSize():
        rest.ClearField("tool_call")
    return rest

"""Answers in the words of the wire, as the caches keep them: all but what differs by request.

What a request adds is appended: protobuf reads two messages, one behind the other, as one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aiprovider.v1 import completion_service_pb2 as pb

from service.domain.completion import Completion, Ending
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.ports import Delta
from service.rpc import encode
from service.rpc.forms import stream_of, whole_of
from service.rpc.values import model_ref, timestamp


class WireScribe:
    """`now` is in seconds since the epoch: the moment at which an answer was made."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def whole(self, completion: Completion, target: ModelRef) -> bytes:
        return encode.whole(completion, target, self._now()).SerializeToString()

    def frame(self, event: Delta) -> bytes:
        return encode.delta(event).SerializeToString()

    def finished(self, ending: Ending, target: ModelRef) -> bytes:
        return encode.finished(ending, target).SerializeToString()

    def as_whole(self, kept: Kept) -> Kept:
        if kept.whole is not None or kept.finished is None:
            return kept
        told = (pb.StreamCompleteResponse.FromString(frame) for frame in kept.frames)
        response = whole_of(told, pb.StreamCompleteResponse.FromString(kept.finished).finished)
        response.served_by.CopyFrom(model_ref(kept.target))
        response.create_time.CopyFrom(timestamp(kept.made_at))
        return replace(kept, whole=response.SerializeToString())

    def as_stream(self, kept: Kept) -> Kept:
        if kept.finished is not None or kept.whole is None:
            return kept
        events, finished = stream_of(pb.CompleteResponse.FromString(kept.whole))
        return replace(
            kept,
            frames=tuple(event.SerializeToString() for event in events),
            finished=pb.StreamCompleteResponse(finished=finished).SerializeToString(),
        )

"""An answer in its two forms on the wire, each made of the other. Pure.

The rules are those of `domain.events`, where `fold` and `replay` say what is what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2

_SHARED = (
    "finish_reason",
    "provider_finish_reason",
    "provider_response_id",
)


def whole_of(
    events: Iterable[pb.StreamCompleteResponse], finished: pb.StreamFinished
) -> pb.CompleteResponse:
    """The whole answer of which these are the deltas and the end."""
    response = pb.CompleteResponse()
    parts: dict[int, _Growing] = {}
    for event in events:
        kind = event.WhichOneof("event")
        if kind in ("text", "reasoning", "tool_call", "part_done"):
            delta = getattr(event, kind)
            parts.setdefault(delta.part_index, _Growing()).add(kind, delta)
            if kind == "text":
                response.logprobs.extend(delta.logprobs)
    response.message.role = content_pb2.ROLE_ASSISTANT
    for index in sorted(parts):
        part = parts[index].part()
        if part is not None:
            response.message.parts.append(part)
    _copy_ending(finished, response)
    return response


def stream_of(
    whole: pb.CompleteResponse,
) -> tuple[list[pb.StreamCompleteResponse], pb.StreamFinished]:
    """One delta for each part, and the end."""
    events: list[pb.StreamCompleteResponse] = []
    logprobs = list(whole.logprobs)
    for index, part in enumerate(whole.message.parts):
        for event in _told(index, part):
            if logprobs and event.WhichOneof("event") == "text":
                # Log probabilities run through the whole answer; the first text carries them.
                event.text.logprobs.extend(logprobs)
                logprobs = []
            events.append(event)
    finished = pb.StreamFinished()
    _copy_ending(whole, finished)
    return events, finished


def joined(
    held: pb.StreamCompleteResponse, event: pb.StreamCompleteResponse
) -> pb.StreamCompleteResponse | None:
    """Both deltas as one, None if the second does not carry the first on."""
    kind = event.WhichOneof("event")
    if kind != held.WhichOneof("event") or kind not in ("text", "reasoning"):
        return None
    first, second = getattr(held, kind), getattr(event, kind)
    if first.part_index != second.part_index:
        return None
    both = pb.StreamCompleteResponse()
    both.CopyFrom(held)
    grown = getattr(both, kind)
    grown.text += second.text
    if kind == "text":
        grown.logprobs.extend(second.logprobs)
    return both


class _Growing:
    """One part, while its deltas come."""

    def __init__(self) -> None:
        self._kind = ""
        self._pieces: list[str] = []
        self._call = content_pb2.ToolCall()
        self._rest: content_pb2.Part | None = None

    def add(self, kind: str, delta: pb.TextDelta | pb.PartDone | pb.ToolCallDelta) -> None:
        match delta:
            case pb.PartDone():
                self._rest = delta.part if delta.HasField("part") else None
                return
            case pb.ToolCallDelta():
                if not self._kind:
                    self._call.id, self._call.name = delta.id, delta.name
                self._pieces.append(delta.arguments_json_fragment)
            case _:
                self._pieces.append(delta.text)
        self._kind = kind

    def part(self) -> content_pb2.Part | None:
        """None for a text that says nothing."""
        rest = self._rest
        if not self._kind:
            return rest if rest is not None and rest != content_pb2.Part(text="") else None
        said = "".join(self._pieces)
        match self._kind:
            case "text":
                part = content_pb2.Part(text=said)
            case "reasoning":
                encrypted = rest.reasoning.encrypted if rest is not None else b""
                reasoning = content_pb2.Reasoning(text=said, encrypted=encrypted)
                part = content_pb2.Part(reasoning=reasoning)
            case _:
                self._call.arguments_json = said
                part = content_pb2.Part(tool_call=self._call)
        if rest is not None:
            part.signature = rest.signature
        return part if part != content_pb2.Part(text="") else None


def _told(index: int, part: content_pb2.Part) -> Iterator[pb.StreamCompleteResponse]:
    rest: content_pb2.Part | None = content_pb2.Part(signature=part.signature)
    match part.WhichOneof("kind"):
        case "text":
            yield pb.StreamCompleteResponse(text=pb.TextDelta(text=part.text, part_index=index))
            rest.text = ""
        case "reasoning":
            if part.reasoning.text:
                told = pb.ReasoningDelta(text=part.reasoning.text, part_index=index)
                yield pb.StreamCompleteResponse(reasoning=told)
            rest.CopyFrom(part)
            rest.reasoning.text = ""
        case "tool_call":
            call = part.tool_call
            told = pb.ToolCallDelta(
                part_index=index,
                id=call.id,
                name=call.name,
                arguments_json_fragment=call.arguments_json,
            )
            yield pb.StreamCompleteResponse(tool_call=told)
            rest.tool_call.SetInParent()
        case _:
            rest.CopyFrom(part)
    if rest.WhichOneof("kind") in ("text", "tool_call") and not rest.signature:
        rest = None
    yield pb.StreamCompleteResponse(part_done=pb.PartDone(part_index=index, part=rest))


def _copy_ending(
    source: pb.CompleteResponse | pb.StreamFinished,
    target: pb.CompleteResponse | pb.StreamFinished,
) -> None:
    for name in _SHARED:
        setattr(target, name, getattr(source, name))
    if source.HasField("usage"):
        target.usage.CopyFrom(source.usage)
    for family in source.provider_metadata:
        target.provider_metadata[family].CopyFrom(source.provider_metadata[family])
    target.dropped_parameters.extend(source.dropped_parameters)

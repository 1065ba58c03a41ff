"""A stream puts an answer together, and never two into one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2
from aiprovider_client import AnswerStream, Restarted, StreamRestartedError
from hypothesis import given, settings
from hypothesis import strategies as st

Event = pb.StreamCompleteResponse
Texts = list[str]
answers = st.lists(st.lists(st.text(min_size=1, max_size=4), max_size=4), min_size=1, max_size=4)


class Told:
    """A call whose events have all come."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    async def __aiter__(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event

    def cancel(self) -> None:
        pass


def target(place: int) -> routing_pb2.ModelRef:
    return routing_pb2.ModelRef(provider=f"p{place}", model="m")


def stream_of(told: Sequence[Sequence[Event]]) -> AnswerStream:
    """One answer after the other; all but the last break off."""
    events: list[Event] = []
    for place, deltas in enumerate(told):
        if place:
            restarted = pb.StreamRestarted(
                served_by=target(place), attempt=routing_pb2.Attempt(target=target(place - 1))
            )
            events.append(Event(restarted=restarted))
        else:
            events.append(Event(started=pb.StreamStarted(id="r-1", served_by=target(0))))
        events += deltas
    return AnswerStream(Told([*events, Event(finished=pb.StreamFinished())]), "nowhere")


def texts_of(told: Sequence[Texts]) -> list[list[Event]]:
    return [[Event(text=pb.TextDelta(text=text)) for text in texts] for texts in told]


@settings(deadline=None)
@given(answers)
def test_a_loop_over_texts_never_mixes(told: list[Texts]) -> None:
    """Each loop over `texts()` gives texts of one answer; the last loop ends without an error."""

    async def loops() -> list[Texts]:
        found: list[Texts] = []
        async with stream_of(texts_of(told)) as stream:
            while True:
                found.append([])
                try:
                    async for text in stream.texts():
                        found[-1].append(text)
                except StreamRestartedError:
                    continue
                assert "".join(told[-1]) == stream.answer.text
                return found

    assert told == asyncio.run(loops())


@settings(deadline=None)
@given(answers)
def test_a_loop_that_asks_is_told_each_restart(told: list[Texts]) -> None:
    """The texts between two Restarted are those of one answer, and the last ones the answer's."""

    async def loop() -> list[Texts]:
        found: list[Texts] = [[]]
        async with stream_of(texts_of(told)) as stream:
            async for piece in stream.texts(restarts=True):
                if isinstance(piece, Restarted):
                    assert (target(len(found)), target(len(found) - 1)) == (
                        piece.served_by,
                        piece.broken.target,
                    )
                    found.append([])
                else:
                    found[-1].append(piece)
            assert "".join(told[-1]) == stream.answer.text
        return found

    assert told == asyncio.run(loop())


async def test_everything_void_is_forgotten() -> None:
    """Text, reasoning, tool calls, log probabilities and their places: all begin afresh."""
    void = [
        Event(text=pb.TextDelta(text="no", logprobs=[pb.TokenLogprob(token="no")])),
        Event(reasoning=pb.ReasoningDelta(text="hm", part_index=1)),
        Event(tool_call=pb.ToolCallDelta(part_index=2, id="c-1", name="f")),
        Event(part_done=pb.PartDone(part_index=3, part=content_pb2.Part(refusal="never"))),
    ]
    whole = [Event(text=pb.TextDelta(text="yes", logprobs=[pb.TokenLogprob(token="yes")]))]
    async with stream_of([void, whole]) as stream:
        async for _ in stream:
            pass

    answer = stream.answer
    assert [content_pb2.Part(text="yes")] == list(answer.message.parts)
    assert ["yes"] == [token.token for token in answer.raw.logprobs]
    assert ("r-1", "p1") == (answer.raw.id, answer.served_by.provider)

"""Streams that break off and begin again, against the real service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider_client import (
    Client,
    Restarted,
    Routing,
    StreamInterruptedError,
    StreamRestartedError,
)

BREAKING = ["gpt-4o+cut-event=4", "gpt-4o+error-midstream"]
breaking = pytest.mark.parametrize("model", BREAKING)
ELSEWHERE = Routing(objective="priority", fallback="claude-sonnet-4-5")
WHOLE = "Hello from anthropic: you said 'Hi.'."


async def heard(texts: AsyncIterator[str], into: list[str]) -> None:
    """The naive loop."""
    async for text in texts:
        into.append(text)  # noqa: PERF401 - what came before a failure counts


@breaking
async def test_not_asked_for(patient_client: Client, model: str) -> None:
    """Without the caller's wish an answer that breaks off never begins again."""
    told: list[str] = []
    async with patient_client.stream(model, "Hi.", routing=ELSEWHERE) as stream:
        with pytest.raises(StreamInterruptedError) as caught:
            await heard(stream.texts(), told)

    assert "".join(told).startswith("Hello from openai")
    assert ["openai"] == [attempt.target.provider for attempt in caught.value.attempts]


@breaking
async def test_the_naive_loop(patient_client: Client, model: str) -> None:
    """A loop over texts raises where the answer begins again; a second one gives the new answer."""
    told: list[str] = []
    again: list[str] = []
    async with patient_client.stream(model, "Hi.", routing=ELSEWHERE, restart=True) as stream:
        with pytest.raises(StreamRestartedError) as caught:
            await heard(stream.texts(), told)
        await heard(stream.texts(), again)

    assert "".join(told).startswith("Hello from openai")
    assert "anthropic" not in "".join(told)
    assert WHOLE == "".join(again) == stream.answer.text
    assert "anthropic/claude-sonnet-4-5 begins it again" in str(caught.value)
    assert ["openai"] == [attempt.target.provider for attempt in caught.value.attempts]


@breaking
async def test_the_loop_that_asks(patient_client: Client, model: str) -> None:
    """With `restarts=True` the place where a new answer begins is told among the texts."""
    async with patient_client.stream(model, "Hi.", routing=ELSEWHERE, restart=True) as stream:
        pieces = [piece async for piece in stream.texts(restarts=True)]

    (place,) = (index for index, piece in enumerate(pieces) if isinstance(piece, Restarted))
    restarted = pieces[place]
    assert isinstance(restarted, Restarted)
    assert "claude-sonnet-4-5" == restarted.served_by.model
    assert "PROVIDER_UNAVAILABLE" == restarted.broken.reason
    assert WHOLE == "".join(map(str, pieces[place + 1 :]))


async def test_the_answer(patient_client: Client) -> None:
    """The whole answer holds nothing of the void one, and its route tells both attempts."""
    model = "gpt-4o+cut-event=4"
    async with patient_client.stream(model, "Hi.", routing=ELSEWHERE, restart=True) as stream:
        events = [event.WhichOneof("event") async for event in stream]

    assert WHOLE == stream.answer.text
    assert "anthropic" == stream.answer.served_by.provider
    assert ["PROVIDER_UNAVAILABLE", ""] == [a.reason for a in stream.answer.route.attempts]
    assert (1, 1, "finished") == (events.count("started"), events.count("restarted"), events[-1])


async def test_twice(patient_client: Client) -> None:
    """An answer may break off and begin again more than once."""
    routing = Routing(
        objective="priority", fallback=["claude-sonnet-4-5+error-midstream", "gemini-2.5-flash"]
    )
    model = "gpt-4o+cut-event=4"
    async with patient_client.stream(model, "Hi.", routing=routing, restart=True) as stream:
        pieces = [piece async for piece in stream.texts(restarts=True)]

    served = [piece.served_by.provider for piece in pieces if isinstance(piece, Restarted)]
    assert ["anthropic", "google"] == served
    assert "Hello from gemini: you said 'Hi.'." == stream.answer.text


async def test_nobody_left(client: Client) -> None:
    """Where no attempt is left, the stream is interrupted after all."""
    model = "gpt-4o+cut-event=4"
    with pytest.raises(StreamInterruptedError) as caught:
        async with client.stream(model, "Hi.", routing=ELSEWHERE, restart=True) as stream:
            assert [text async for text in stream.texts()]

    assert caught.value.route is not None
    assert ["openai"] == [attempt.target.provider for attempt in caught.value.route.attempts]


async def test_other_options_of_the_stream(patient_client: Client) -> None:
    """`restart` goes together with other options, and leaves the caller's own message alone."""
    options = pb.StreamOptions(include_route_events=True)
    async with patient_client.stream(
        "gpt-4o+status=503", "Hi.", routing=ELSEWHERE, stream_options=options, restart=True
    ) as stream:
        events = [event.WhichOneof("event") async for event in stream]

    assert ["route", "started"] == events[:2]
    assert pb.StreamOptions(include_route_events=True) == options


async def test_labels(client: Client) -> None:
    """A stream takes labels, as a whole answer does."""
    async with client.stream("gpt-4o", "Hi.", labels={"team": "search"}) as stream:
        texts = [text async for text in stream.texts()]

    assert "Hello from openai: you said 'Hi.'." == "".join(texts)

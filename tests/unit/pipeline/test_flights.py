"""Calls in flight: who waits, who leaves, and what each of them gets."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from service.domain.completion import CompletionSpec
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.pipeline.flights import Flight, Flights
from tests.kit.virtual import now, on_virtual_time, settled

SPEC = CompletionSpec("m", ())


class Scene:
    """Flights that bring letters, one each second, and then their word."""

    def __init__(self, letters: str = "abc", error: BaseException | None = None) -> None:
        self.flights = Flights[str, str]()
        self.begun_count = 0
        self.ended_at: float | None = None
        self._letters = letters
        self._error = error

    def join(self, left_s: float = 100.0) -> Flight[str, str]:
        flight = self.flights.find("key")
        if flight is None:
            flight = self.flights.begin("key", CompletionRequest(SPEC, deadline=0.0), self._fly)
        flight.join(now() + left_s)
        return flight

    def _fly(self, flight: Flight[str, str]) -> Coroutine[Any, Any, str]:
        async def fly() -> str:
            self.begun_count += 1
            try:
                for letter in self._letters:
                    await asyncio.sleep(1.0)
                    flight.add(letter)
                if self._error is not None:
                    raise self._error
                return self._letters
            finally:
                self.ended_at = now()

        return fly()


async def heard(flight: Flight[str, str], left_s: float = 100.0) -> list[tuple[str, float]]:
    return [(event, now()) async for event in flight.follow(now() + left_s)]


@on_virtual_time
async def test_a_late_joiner() -> None:
    """It hears at once what has come, and the rest when it comes."""
    scene = Scene()
    first = asyncio.create_task(heard(scene.join()))
    await asyncio.sleep(1.5)
    second = await heard(scene.join())

    assert [("a", 1.0), ("b", 2.0), ("c", 3.0)] == await first
    assert [("a", 1.5), ("b", 2.0), ("c", 3.0)] == second
    assert 1 == scene.begun_count


@on_virtual_time
async def test_after_it_has_landed() -> None:
    """What has landed is not joined any more: the next one begins anew, and nothing is left."""
    scene = Scene()
    word = await scene.join().outcome(now() + 100.0)
    await settled()
    left = len(scene.flights)
    again = scene.join()
    await again.outcome(now() + 100.0)

    assert "abc" == word
    assert 0 == left
    assert 2 == scene.begun_count


@on_virtual_time
async def test_the_last_to_leave_ends_it() -> None:
    """The first to leave changes nothing; the last one ends it at once, and it cannot be joined."""
    scene = Scene()
    flight = scene.join()
    assert flight is scene.join()
    await asyncio.sleep(1.5)
    flight.leave()
    await settled()
    ended_before = scene.ended_at
    flight.leave()
    other = scene.join()
    await settled()

    assert ended_before is None
    assert 1.5 == scene.ended_at
    assert other is not flight
    assert 1 == len(scene.flights)


@on_virtual_time
async def test_leaving_before_it_began() -> None:
    """Who leaves before the first step leaves nothing behind."""
    scene = Scene()
    scene.join().leave()
    await settled()

    assert 0 == len(scene.flights)
    assert 0 == scene.begun_count


@on_virtual_time
async def test_deadlines() -> None:
    """Each waits as long as it has; the flight has as long as the one with most."""
    scene = Scene()
    flight = scene.join(1.2)
    with pytest.raises(ServiceFailure) as caught:
        await flight.outcome(now() + 1.2)
    gave_up_at = now()
    scene.join(50.0)
    flight.leave()
    word = await flight.outcome(now() + 50.0)

    assert ErrorReason.DEADLINE_EXCEEDED is caught.value.reason
    assert 1.2 < gave_up_at < 1.21
    assert 51.205 == flight.request.deadline
    assert "abc" == word


@on_virtual_time
async def test_a_failure_is_told_anew() -> None:
    """Everybody gets a failure of its own: what is added to it the others do not see."""
    failure = ServiceFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", retry_after_s=3.0)
    scene = Scene("a", failure)
    told: list[ServiceFailure] = []
    flight = scene.join()
    for _ in range(3):
        with pytest.raises(ServiceFailure) as caught:
            await flight.outcome(now() + 10.0)
        caught.value.last_sequence = 7
        told.append(caught.value)
    late = await asyncio.gather(heard(flight), return_exceptions=True)

    assert 4 == len({id(one) for one in (*told, failure)})
    assert {"down"} == {one.message for one in told}
    assert {3.0} == {one.retry_after_s for one in told}
    assert isinstance(late[0], ServiceFailure)
    assert 0 == late[0].last_sequence


@on_virtual_time
async def test_a_bug() -> None:
    """An error that nobody expected reaches everybody who waits, as it is."""
    scene = Scene("a", KeyError("bug"))
    flight = scene.join()
    with pytest.raises(KeyError):
        await flight.outcome(now() + 10.0)
    with pytest.raises(KeyError):
        await heard(flight)

    assert 0 == len(scene.flights)


@on_virtual_time
async def test_waiting_for_all() -> None:
    """For those that somebody asked for, no longer than is said; with none of them, not at all."""
    scene, early = Scene("abc"), Scene("abcdef")
    scene.join()
    early.join().is_early = True
    began = now()
    await early.flights.landed(10.0)
    await scene.flights.landed(1.5)
    cut_at = now() - began
    await scene.flights.landed(10.0)
    landed_at = now() - began
    await scene.flights.landed(10.0)

    assert (1.5, 3.0) == (cut_at, landed_at)
    assert landed_at == now() - began
    assert 1 == len(early.flights)
    early.flights.close()


@on_virtual_time
async def test_closing() -> None:
    """When the process stops, those who wait are told to ask elsewhere."""
    scene = Scene()
    flight = scene.join()
    waiting = asyncio.gather(flight.outcome(now() + 100.0), return_exceptions=True)
    await asyncio.sleep(0.5)
    scene.flights.close()
    told = (await waiting)[0]

    assert isinstance(told, ServiceFailure)
    assert ErrorReason.SERVER_DRAINING is told.reason
    assert 0.5 == scene.ended_at

"""Callers who leave, on several replicas: none of them hurts another; the last one ends it."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.completion import CompletionSpec
from service.domain.errors import ServiceFailure
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.waited import Waited
from service.pipeline.flights import Flight, Flights
from service.pipeline.relay import Relay
from service.pipeline.relay_errand import AnswerFlight, Errand, Tell
from service.pipeline.routed import Begun
from service.pipeline.told import Landed, Spoken, StreamPiece
from tests.kit.caching import Parcels
from tests.kit.claims import WAITS_FOR_S, SharedClaims
from tests.kit.virtual import now, on_virtual_time

KEY = b"k" * 32
CONTENT = b"c" * 32
TARGET = ModelRef("p", "m")
STEP_S = 0.1
FRAMES = tuple(b"%d" % number for number in range(50))
"""Five seconds of them."""
WHOLE = Kept("t", "", "m", TARGET, CONTENT, 1.0, 1.0, 0.5, 1, None, None, FRAMES, b"finished")
SOON_S = WAITS_FOR_S + 0.3


class Replica:
    """Its callers share a flight. A provider speaks for five seconds, unless it is cut short."""

    def __init__(self, claims: SharedClaims) -> None:
        self.asked_count = 0
        self.ended_at: float | None = None
        """When the provider was no longer asked."""
        self._flights = Flights[StreamPiece, Landed]()
        self._relay = Relay(claims, Parcels())

    def call(self, left_s: float = 100.0) -> asyncio.Task[list[bytes]]:
        """What a caller hears, who has so much time."""
        return asyncio.create_task(self._call(now() + left_s))

    async def _call(self, deadline: float) -> list[bytes]:
        flight = self._flights.find("key")
        if flight is None:
            request = CompletionRequest(CompletionSpec("m", ()), deadline=deadline)
            flight = self._flights.begin("key", request, self._fly)
            flight.content = CONTENT
        flight.join(deadline)
        try:
            pieces = [piece async for piece in flight.follow(deadline)]
        finally:
            flight.leave()
        return [piece.frame for piece in pieces if isinstance(piece, Spoken)]

    async def _fly(self, flight: AnswerFlight) -> Landed:
        async def fetch(tell: Tell) -> Landed:
            return await self._ask(flight, tell)

        return await self._relay.landed(Errand(KEY, flight, fetch, _nothing, _same))

    async def _ask(self, flight: Flight[StreamPiece, Landed], tell: Tell) -> Landed:
        self.asked_count += 1
        try:
            for piece in (Begun(TARGET), *map(Spoken, FRAMES)):
                flight.add(piece)
                tell(piece)
                await asyncio.sleep(STEP_S)
                if now() >= flight.request.deadline:
                    raise ServiceFailure(ErrorReason.DEADLINE_EXCEEDED, "cut")
        finally:
            self.ended_at = now()
        return Landed(WHOLE)


async def _nothing(_: Waited | None) -> None: ...


def _same(_: bytes) -> None: ...


async def reason_of(call: asyncio.Task[list[bytes]]) -> ErrorReason:
    with pytest.raises(ServiceFailure) as caught:
        await call
    return caught.value.reason


@on_virtual_time
async def test_the_one_who_asked_leaves() -> None:
    """Who hears the answer on another replica hears all of it; nobody else is asked."""
    claims = SharedClaims()
    first, second = Replica(claims), Replica(claims)
    leaving = first.call()
    await asyncio.sleep(0.5)
    staying = second.call()
    await asyncio.sleep(1.5)
    leaving.cancel()
    heard = await staying

    assert list(FRAMES) == heard
    assert [1, 0] == [first.asked_count, second.asked_count]


@on_virtual_time
@pytest.mark.parametrize("less_s", [0.4, 1.0, 2.05])
async def test_the_one_who_asked_has_less_time(less_s: float) -> None:
    """Its time ends its own waiting, when it is over, and nothing else."""
    claims = SharedClaims()
    first, second = Replica(claims), Replica(claims)
    short = first.call(less_s)
    await asyncio.sleep(0.1)
    staying = second.call()
    reason = await reason_of(short)
    ended_at = now()
    heard = await staying

    assert ErrorReason.DEADLINE_EXCEEDED is reason
    assert less_s < ended_at < less_s + 0.1
    assert list(FRAMES) == heard
    assert [1, 0] == [first.asked_count, second.asked_count]


@on_virtual_time
async def test_no_longer_than_anybody_waits() -> None:
    """The call ends with the time of the one who has most, wherever that one is."""
    claims = SharedClaims()
    first, second = Replica(claims), Replica(claims)
    leaving = first.call()
    await asyncio.sleep(0.1)
    staying = second.call(2.0)
    await asyncio.sleep(0.4)
    leaving.cancel()
    reason = await reason_of(staying)
    await asyncio.sleep(SOON_S)

    assert ErrorReason.DEADLINE_EXCEEDED is reason
    assert first.ended_at is not None
    assert first.ended_at < 2.1 + SOON_S
    assert 0 == second.asked_count


@on_virtual_time
async def test_nobody_waits_elsewhere() -> None:
    """Where the last one leaves and nobody else has said that it waits, it ends at once."""
    replica = Replica(SharedClaims())
    leaving = replica.call()
    await asyncio.sleep(0.5)
    leaving.cancel()
    await asyncio.sleep(0.1)

    assert replica.ended_at == pytest.approx(0.5, abs=0.01)


@on_virtual_time
async def test_the_last_one_leaves_elsewhere() -> None:
    """When those on other replicas have left as well it ends within about a second."""
    claims = SharedClaims()
    first, second = Replica(claims), Replica(claims)
    calls = [first.call()]
    await asyncio.sleep(0.2)
    calls.append(second.call())
    for call in calls:
        await asyncio.sleep(0.5)
        call.cancel()
    await asyncio.sleep(SOON_S)

    assert first.ended_at is not None
    assert 1.2 < first.ended_at < 1.2 + SOON_S
    assert {} == claims.claimed


@on_virtual_time
async def test_somebody_comes_back() -> None:
    """Who joins a flight that goes on for others has it, though the others leave."""
    claims = SharedClaims()
    first, second = Replica(claims), Replica(claims)
    calls = [first.call()]
    await asyncio.sleep(0.2)
    calls.append(second.call())
    await asyncio.sleep(0.3)
    calls[0].cancel()
    await asyncio.sleep(0.5)
    back = first.call()
    calls[1].cancel()
    heard = await back

    assert list(FRAMES) == heard
    assert 1 == first.asked_count


@on_virtual_time
async def test_redis_is_gone_when_they_leave() -> None:
    """Who cannot find out whether anybody waits elsewhere goes on for nobody."""
    claims = SharedClaims()
    first, second = Replica(claims), Replica(claims)
    leaving = first.call()
    await asyncio.sleep(0.2)
    staying = second.call()
    await asyncio.sleep(0.5)
    claims.is_down = True
    leaving.cancel()
    reason = await reason_of(staying)

    assert first.ended_at == pytest.approx(0.7, abs=0.01)
    assert ErrorReason.STREAM_INTERRUPTED is reason


@on_virtual_time
async def test_a_redis_in_which_nobody_is_anything() -> None:
    """Where every claim is taken and nobody has it, each asks by itself, within milliseconds."""

    class Void(SharedClaims):
        async def claim(
            self, key: bytes, token: bytes, lease_s: float, waited: Waited | None = None
        ) -> bool:
            _ = key, token, lease_s, waited
            await asyncio.sleep(0.001)
            return False

    replica = Replica(Void())
    call = replica.call()
    await asyncio.sleep(0.005)
    asked_count = replica.asked_count
    heard = await call

    assert 1 == asked_count
    assert list(FRAMES) == heard

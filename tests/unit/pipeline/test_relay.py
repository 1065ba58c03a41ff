"""Equal calls on several replicas: one asks, the others are told; when it is gone, one is next."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.cache_note import CacheNote
from service.domain.completion import CompletionSpec
from service.domain.errors import ServiceFailure
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.waited import Waited
from service.pipeline.flights import Flight
from service.pipeline.relay import Relay
from service.pipeline.relay_errand import LEASE_S, Errand, Tell
from service.pipeline.routed import Begun
from service.pipeline.told import Finished, Landed, Spoken, StreamPiece
from tests.kit.caching import Parcels
from tests.kit.claims import SharedClaims
from tests.kit.virtual import now, on_virtual_time

KEY = b"k" * 32
TARGET = ModelRef("p", "m")
CONTENT = b"c" * 32
KEPT = Kept("t", "", "m", TARGET, CONTENT, 1.0, 1.0, 0.5, 1, None, b"whole")
SPOKEN = Kept(
    "t", "", "m", TARGET, CONTENT, 1.0, 1.0, 0.5, 1, None, None, (b"a", b"b"), b"finished"
)
DOWN = ServiceFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down")


class Replica:
    """Asks a provider that takes a second, or fails."""

    def __init__(
        self,
        claims: SharedClaims,
        kept: Kept = KEPT,
        error: ServiceFailure | None = None,
        takes_s: float = 1.0,
    ) -> None:
        self.asked_count = 0
        self.flight = Flight[StreamPiece, Landed](CompletionRequest(CompletionSpec("m", ())))
        self.flight.content = CONTENT
        self.known: Kept | None = None
        self.waited = Waited(0.001)
        self.rechecked: list[Waited | None] = []
        self._relay = Relay(claims, Parcels())
        self._kept = kept
        self._error = error
        self._takes_s = takes_s

    async def landed(self) -> Landed:
        errand = Errand(
            KEY, self.flight, self._fetch, self._recheck, self._require_same, self.waited
        )
        return await self._relay.landed(errand)

    def _require_same(self, content: bytes) -> None:
        if content != self.flight.content:
            raise ServiceFailure(ErrorReason.IDEMPOTENCY_KEY_REUSED, "another spec")

    async def _fetch(self, tell: Tell) -> Landed:
        self.asked_count += 1
        if self._kept.finished is not None:
            tell(Begun(TARGET))
            for frame in self._kept.frames:
                await asyncio.sleep(self._takes_s / 2)
                tell(Spoken(frame))
        else:
            await asyncio.sleep(self._takes_s)
        if self._error is not None:
            raise self._error
        return Landed(self._kept)

    async def _recheck(self, waited: Waited | None) -> Kept | None:
        self.rechecked.append(waited)
        return self.known


def asked(*replicas: Replica) -> list[int]:
    return [replica.asked_count for replica in replicas]


@on_virtual_time
async def test_one_asks_for_all() -> None:
    """However many replicas there are, one asks, and all have its answer soon after."""
    claims = SharedClaims()
    replicas = [Replica(claims) for _ in range(5)]
    landed = await asyncio.gather(*(replica.landed() for replica in replicas))

    assert 1 == sum(asked(*replicas))
    assert [KEPT] * 5 == [one.kept for one in landed]
    assert now() < 1.1


@on_virtual_time
async def test_a_stream_is_told_as_it_comes() -> None:
    """Others hear each delta within a tenth of a second, and the end in the same words."""
    claims = SharedClaims()
    first, second = Replica(claims, SPOKEN), Replica(claims, SPOKEN)
    one = asyncio.create_task(first.landed())
    await asyncio.sleep(0.1)
    other = asyncio.create_task(second.landed())
    await asyncio.sleep(0.55)
    early = [event for event in second.flight.events if isinstance(event, Spoken)]
    await asyncio.gather(one, other)

    assert [Spoken(b"a")] == early
    kinds = [type(event) for event in second.flight.events]
    assert [CacheNote, Begun, Spoken, Spoken, Finished] == kinds
    assert 0 == second.asked_count


@on_virtual_time
async def test_who_asks_fails() -> None:
    """When the one that asked has failed, exactly one of those who waited asks."""
    claims = SharedClaims()
    first = Replica(claims, error=DOWN)
    others = [Replica(claims) for _ in range(4)]
    one = asyncio.gather(first.landed(), return_exceptions=True)
    await asyncio.sleep(0.1)
    landed = await asyncio.gather(*(replica.landed() for replica in others))

    assert [DOWN] == await one
    assert 1 == sum(asked(*others))
    assert [KEPT] * 4 == [answer.kept for answer in landed]


@on_virtual_time
async def test_who_asks_dies() -> None:
    """A claim whose holder has died runs out; then exactly one of the others is next."""
    claims = SharedClaims()
    claims.claimed[KEY] = b"dead", now() + LEASE_S
    others = [Replica(claims) for _ in range(4)]
    landed = await asyncio.gather(*(replica.landed() for replica in others))

    assert 1 == sum(asked(*others))
    assert [KEPT] * 4 == [answer.kept for answer in landed]
    assert LEASE_S < now() < LEASE_S + 1.2


@on_virtual_time
async def test_a_long_answer() -> None:
    """A claim is prolonged for as long as the answer takes: nobody else asks meanwhile."""
    claims = SharedClaims()
    replicas = [Replica(claims, takes_s=10.0 * LEASE_S) for _ in range(3)]
    await asyncio.gather(*(replica.landed() for replica in replicas))

    assert 1 == sum(asked(*replicas))


@on_virtual_time
async def test_a_stream_breaks_off_elsewhere() -> None:
    """Part of an answer was told: what follows must not be another one."""
    claims = SharedClaims()
    first, second = Replica(claims, SPOKEN, DOWN), Replica(claims, SPOKEN)
    one = asyncio.gather(first.landed(), return_exceptions=True)
    await asyncio.sleep(0.1)
    with pytest.raises(ServiceFailure) as caught:
        await second.landed()
    await one

    assert ErrorReason.STREAM_INTERRUPTED is caught.value.reason
    assert 0 == second.asked_count


@on_virtual_time
async def test_nobody_can_be_heard() -> None:
    """While claims cannot be made, or are lost on the way, each replica asks by itself."""
    claims = SharedClaims()
    first, second, third = (Replica(claims) for _ in range(3))
    one = asyncio.create_task(first.landed())
    await asyncio.sleep(0.1)
    other = asyncio.create_task(second.landed())
    await asyncio.sleep(0.1)
    claims.is_down = True
    await asyncio.gather(one, other, third.landed())

    assert [1, 1, 1] == asked(first, second, third)


@on_virtual_time
async def test_what_was_kept_a_moment_ago() -> None:
    """Who gets the claim looks once more, and asks nobody if the answer is there by now."""
    replica = Replica(SharedClaims())
    replica.known = KEPT
    landed = await replica.landed()

    assert KEPT is landed.kept
    assert 0 == replica.asked_count


@on_virtual_time
async def test_what_a_request_has_waited() -> None:
    """It counts on the way to the provider, and not for who has waited for another replica."""
    claims = SharedClaims()
    first, second = Replica(claims, error=DOWN), Replica(claims)
    one = asyncio.gather(first.landed(), return_exceptions=True)
    await asyncio.sleep(0.1)
    await second.landed()
    await one

    assert [first.waited, second.waited, None] == claims.waited
    assert [first.waited] == first.rechecked
    assert [None] == second.rechecked


@on_virtual_time
async def test_nothing_is_left_of_a_claim() -> None:
    """Afterwards the next one may ask at once, whether it went well, failed or was cancelled."""
    claims = SharedClaims()
    await Replica(claims).landed()
    await asyncio.gather(Replica(claims, error=DOWN).landed(), return_exceptions=True)
    leaving = asyncio.create_task(Replica(claims).landed())
    await asyncio.sleep(0.1)
    leaving.cancel()
    await asyncio.wait([leaving])

    assert {} == claims.claimed


@on_virtual_time
async def test_another_question_under_the_same_key() -> None:
    """Nothing of an answer to another question is heard: it is refused before the first word."""
    claims = SharedClaims()
    first, second = Replica(claims, SPOKEN), Replica(claims, SPOKEN)
    second.flight.content = b"o" * 32
    one = asyncio.create_task(first.landed())
    await asyncio.sleep(0.1)
    with pytest.raises(ServiceFailure) as caught:
        await second.landed()
    await one

    assert ErrorReason.IDEMPOTENCY_KEY_REUSED is caught.value.reason
    assert [] == second.flight.events


@on_virtual_time
async def test_a_stream_outlives_a_moment_without_redis() -> None:
    """Who has heard a part waits for Redis as long as a claim lasts, and hears the rest."""
    claims = SharedClaims()
    slow = Replica(claims, SPOKEN, takes_s=4.0)
    hearing = Replica(claims, SPOKEN)
    one = asyncio.create_task(slow.landed())
    await asyncio.sleep(0.1)
    other = asyncio.create_task(hearing.landed())
    await asyncio.sleep(2.3)
    claims.is_down = True
    await asyncio.sleep(1.0)
    claims.is_down = False
    await asyncio.gather(one, other)

    assert 0 == hearing.asked_count
    assert [b"a", b"b"] == [e.frame for e in hearing.flight.events if isinstance(e, Spoken)]


@on_virtual_time
async def test_the_rest_comes_from_the_cache() -> None:
    """Where the end could not be told, it is taken from what the others kept."""
    claims = SharedClaims()
    slow, hearing = Replica(claims, SPOKEN, takes_s=4.0), Replica(claims, SPOKEN)
    one = asyncio.create_task(slow.landed())
    await asyncio.sleep(0.1)
    other = asyncio.create_task(hearing.landed())
    await asyncio.sleep(2.3)
    claims.is_down = True
    hearing.known = SPOKEN
    landed = await other
    await one

    assert SPOKEN == landed.kept
    kinds = [type(event) for event in hearing.flight.events]
    assert [CacheNote, Begun, Spoken, Spoken, Finished] == kinds


@on_virtual_time
@pytest.mark.parametrize("garbage", [b"", b"x", b"\0\0\0\0s", b"garbage" * 10])
async def test_garbage(garbage: bytes) -> None:
    """What no replica wrote is no answer: somebody asks the provider."""
    claims = SharedClaims()
    claims.claimed[KEY] = b"liar", now() + 0.5
    claims.lists[b"liar"] = [garbage]
    replica = Replica(claims)
    landed = await replica.landed()

    assert KEPT is landed.kept
    assert 1 == replica.asked_count

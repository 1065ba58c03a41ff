"""Claims in a real Redis: one holder at a time, and what it tells, whole and in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from service.caches.claims import PIECES_MAX, WAITS_FOR_S, RedisClaims
from service.caches.redis import RedisAnswers
from service.ports import Claims
from service.redis_door import Mode, RedisTerms
from tests.kit.faulty_tcp import faulty_tcp
from tests.kit.redis import RedisServer, redis_server
from tests.kit.redis_cluster import RedisCluster, redis_cluster
from tests.kit.shared_cache import KEPT, PACE_S, PREFIX, TTL_S, key, name, shared_cache, until

TIMEOUT_S = 0.25
LEASE_S = 30.0
KEEP_S = 30.0
SLACK_S = 0.2


@pytest.fixture(name="redis", scope="module")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(name="cluster", scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisCluster, None, None]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(name="terms", params=[Mode.SINGLE, Mode.CLUSTER])
def _terms(request: pytest.FixtureRequest) -> RedisTerms:
    """Of a single server, and of a cluster."""
    server: RedisServer | RedisCluster = request.getfixturevalue(
        "redis" if request.param is Mode.SINGLE else "cluster"
    )
    return server.terms()


@pytest.fixture(autouse=True)
def _emptied(redis: RedisServer) -> None:
    redis.order("FLUSHALL")


@asynccontextmanager
async def claims_at(
    terms: RedisTerms, **limits: Any
) -> AsyncGenerator[tuple[RedisClaims, RedisAnswers], None]:
    async with shared_cache(terms, wait_s=1.0, **limits) as answers:
        claims = RedisClaims(answers.lanes, PREFIX, terms.timeout_s)
        try:
            yield claims, answers
        finally:
            await claims.aclose()


async def settled(answers: RedisAnswers) -> None:
    for lane in answers.lanes.all:
        await lane.errands.settled()


async def released(claims: RedisClaims) -> None:
    await until(lambda: "0 released" in repr(claims))


async def pieces_of(claims: Claims, number: int, holder: bytes) -> Sequence[bytes]:
    told = await claims.told(key(number), holder, 0)
    assert told is not None
    return told.pieces


async def test_one_of_many(redis: RedisServer) -> None:
    """Of a hundred who claim a key at once, on two replicas, one gets it."""
    async with claims_at(redis.terms()) as (first, _), claims_at(redis.terms()) as (second, _):
        got = await asyncio.gather(
            *(
                claims.claim(key(1), b"token %d" % number, LEASE_S)
                for number in range(50)
                for claims in (first, second)
            )
        )

    assert [True] == [ours for ours in got if ours]
    assert 99 == got.count(False)


async def test_a_claim_ends(redis: RedisServer) -> None:
    """It ends when it is released by its holder, or not renewed; then somebody else may have it."""
    async with claims_at(redis.terms()) as (claims, _):
        first = await claims.claim(key(1), b"a", 0.3)
        taken = await claims.claim(key(1), b"b", LEASE_S)
        claims.release(key(1), b"b")
        await released(claims)
        renewed = await claims.renew(key(1), b"a", 0.3)
        not_ours = await claims.renew(key(1), b"b", LEASE_S)
        await asyncio.sleep(0.4)
        too_late = await claims.renew(key(1), b"a", LEASE_S)
        then = await claims.claim(key(1), b"b", LEASE_S)
        claims.release(key(1), b"b")
        await released(claims)
        at_last = await claims.claim(key(1), b"c", LEASE_S)

    assert [True, False] == [first, taken]
    assert [0.0, None] == [renewed, not_ours]
    assert [None, True, True] == [too_late, then, at_last]


async def test_what_is_told(terms: RedisTerms) -> None:
    """Pieces come in order and whole, from any piece on, however many were told at once."""
    pieces = [b"piece %d" % number for number in range(2 * PIECES_MAX + 10)]
    async with claims_at(terms) as (holder, answers), claims_at(terms) as (other, _):
        nobody = await other.told(key(1), b"", 0)
        await holder.claim(key(1), b"a", LEASE_S)
        silent = await other.told(key(1), b"", 0)
        holder.tell(key(1), b"a", pieces[:3], KEEP_S)
        holder.tell(key(1), b"a", pieces[3:], KEEP_S)
        await settled(answers)
        heard: list[bytes] = []
        while (told := await other.told(key(1), b"", len(heard))) and told.pieces:
            heard += told.pieces

    assert nobody is not None
    assert (b"", []) == (nobody.holder, list(nobody.pieces))
    assert silent is not None
    assert (b"a", []) == (silent.holder, list(silent.pieces))
    assert pieces == heard
    assert told is not None
    assert b"a" == told.holder


async def test_each_holder_speaks_for_itself(redis: RedisServer) -> None:
    """What one holder told is never mixed with the next one's, and is heard after it has left."""
    async with claims_at(redis.terms()) as (claims, answers):
        await claims.claim(key(1), b"a", LEASE_S)
        claims.tell(key(1), b"a", [b"one", b"last"], KEEP_S)
        claims.release(key(1), b"a")
        await released(claims)
        left = await claims.told(key(1), b"a", 1)
        await claims.claim(key(1), b"b", LEASE_S)
        claims.tell(key(1), b"b", [b"other"], KEEP_S)
        await settled(answers)
        of_a = await claims.told(key(1), b"a", 0)
        of_b = await claims.told(key(1), b"", 0)

    assert left is not None
    assert (b"", [b"last"]) == (left.holder, left.pieces)
    assert of_a is not None
    assert (b"b", [b"one", b"last"]) == (of_a.holder, of_a.pieces)
    assert of_b is not None
    assert (b"b", [b"other"]) == (of_b.holder, of_b.pieces)


async def test_who_waits(terms: RedisTerms) -> None:
    """The holder knows for how long anybody waits at most, and forgets it a second later."""
    async with claims_at(terms) as (holder, _), claims_at(terms) as (other, _):
        await holder.claim(key(2), b"a", LEASE_S)
        nobody = await holder.renew(key(2), b"a", LEASE_S)
        for wait_s in (20.0, 10.0, 0.0):
            await other.told(key(2), b"", 0, wait_s)
        most = await holder.renew(key(2), b"a", LEASE_S)
        not_ours = await other.renew(key(2), b"b", LEASE_S)
        await asyncio.sleep(WAITS_FOR_S + 0.1)
        at_last = await holder.renew(key(2), b"a", LEASE_S)

    assert most is not None
    assert 19.0 < most <= 20.0
    assert (0.0, None, 0.0) == (nobody, not_ours, at_last)


async def test_who_waits_for_a_full_redis(redis: RedisServer) -> None:
    """What cannot be said of waiting is not known, and what is told is heard all the same."""
    async with claims_at(redis.terms()) as (claims, answers):
        await claims.claim(key(1), b"a", LEASE_S)
        claims.tell(key(1), b"a", [b"one"], KEEP_S)
        await settled(answers)
        redis.fill()
        heard = await claims.told(key(1), b"a", 0, 10.0)
        others_s = await claims.renew(key(1), b"a", LEASE_S)
        redis.drain()

    assert heard is not None
    assert (b"a", [b"one"]) == (heard.holder, heard.pieces)
    assert 0.0 == others_s


async def test_who_may_not_ask_for_the_time(redis: RedisServer) -> None:
    """Such a user hears what is told, and nobody knows that it waits."""
    redis.order("ACL", "SETUSER", "me", "on", ">pw", "~*", "+@all", "-time")
    terms = RedisTerms(redis.url.replace("127.0.0.1", "me:pw@127.0.0.1"))
    async with claims_at(terms) as (claims, answers):
        await claims.claim(key(1), b"a", LEASE_S)
        claims.tell(key(1), b"a", [b"one"], KEEP_S)
        await settled(answers)
        heard = await claims.told(key(1), b"a", 0, 10.0)
        others_s = await claims.renew(key(1), b"a", LEASE_S)
    redis.ask("ACL", "DELUSER", "me")

    assert heard is not None
    assert [b"one"] == heard.pieces
    assert 0.0 == others_s


async def test_what_is_told_is_forgotten(redis: RedisServer) -> None:
    """It is kept for so long after the last piece."""
    async with claims_at(redis.terms()) as (claims, answers):
        claims.tell(key(1), b"a", [b"one"], 0.2)
        await settled(answers)
        await asyncio.sleep(0.15)
        claims.tell(key(1), b"a", [b"two"], 0.2)
        await settled(answers)
        await asyncio.sleep(0.1)
        both = await pieces_of(claims, 1, b"a")
        await asyncio.sleep(0.2)
        none = await pieces_of(claims, 1, b"a")

    assert [b"one", b"two"] == both
    assert [] == none
    assert b":0\r\n" == redis.ask("DBSIZE")


async def test_no_piece_is_left_out(redis: RedisServer) -> None:
    """After a piece that could not be told nothing more is: who waits never hears a gap."""
    async with claims_at(redis.terms()) as (claims, answers):
        claims.tell(key(1), b"a", [b"one"], KEEP_S)
        await settled(answers)
        redis.fill()
        claims.tell(key(1), b"a", [b"two"], KEEP_S)
        await settled(answers)
        redis.drain()
        await asyncio.sleep(PACE_S + 0.1)
        claims.tell(key(1), b"a", [b"three"], KEEP_S)
        claims.tell(key(2), b"b", [b"another story"], KEEP_S)
        await settled(answers)
        heard = [await pieces_of(claims, 1, b"a"), await pieces_of(claims, 2, b"b")]

    assert [[b"one"], [b"another story"]] == heard


async def test_a_piece_that_was_told_unheard(redis: RedisServer) -> None:
    """Where only the reply to a telling was lost, the next pieces follow."""
    with faulty_tcp(redis.port) as front:
        async with claims_at(RedisTerms(front.url)) as (claims, answers):
            front.garbage = b"no reply\r\n"
            claims.tell(key(1), b"a", [b"one"], KEEP_S)
            await settled(answers)
            front.garbage = None
            await until(lambda: claims.available, within_s=3.0)
            claims.tell(key(1), b"a", [b"two"], KEEP_S)
            await settled(answers)
            heard = await pieces_of(claims, 1, b"a")

    assert [b"one", b"two"] == heard


async def test_a_release_comes_after_what_is_stored(redis: RedisServer) -> None:
    """Whoever claims a key next finds the answer that its holder has stored a moment after."""
    async with claims_at(redis.terms()) as (claims, answers):
        found: list[bool] = []
        # To pack it takes a while.
        large = replace(KEPT, whole=random.randbytes(500_000))
        for number in range(10):
            await claims.claim(key(number), b"a", LEASE_S)
            claims.release(key(number), b"a")
            for _ in range(3):
                await asyncio.sleep(0)
            answers.put(key(number), large, TTL_S)
            while not await claims.claim(key(number), b"b", LEASE_S):
                await asyncio.sleep(0)
            found.append(redis.ask("EXISTS", name(number)) == b":1\r\n")

    assert [True] * 10 == found


async def test_without_redis() -> None:
    """While Redis is not there nobody holds anything, and nothing is waited for or raised."""
    terms = RedisTerms("redis://127.0.0.1:1/0")
    async with claims_at(terms) as (claims, answers):
        await until(lambda: answers.state == "failing")
        claims.tell(key(1), b"a", [b"one"], KEEP_S)
        claims.release(key(1), b"a")

        assert not claims.available
        assert await claims.claim(key(1), b"a", LEASE_S) is None
        assert await claims.renew(key(1), b"a", LEASE_S) is None
        assert await claims.told(key(1), b"", 0) is None
        assert await claims.told(key(1), b"a", 0) is None


async def test_a_silent_redis(redis: RedisServer) -> None:
    """What Redis does not say in time is not known; a claim that it grants later is given up."""
    with faulty_tcp(redis.port) as front:
        terms = RedisTerms(front.url, timeout_s=TIMEOUT_S)
        async with claims_at(terms) as (claims, answers):
            available = claims.available
            loop = asyncio.get_running_loop()
            front.latency_s = 0.3
            began_at = loop.time()
            got = await asyncio.gather(
                claims.claim(key(1), b"a", LEASE_S),
                claims.renew(key(2), b"a", LEASE_S),
                claims.told(key(3), b"a", 0),
            )
            took_s = loop.time() - began_at
            front.latency_s = 0.0
            await until(lambda: answers.state == "ok" and claims.available)
            await asyncio.sleep(0.2)
            free = await claims.claim(key(1), b"b", LEASE_S)

    assert available
    assert [None, None, None] == got
    assert took_s < TIMEOUT_S + SLACK_S
    assert free


async def test_a_redis_that_takes_nothing(redis: RedisServer) -> None:
    """A full Redis grants no claim, and is not asked again for a while."""
    async with claims_at(redis.terms()) as (claims, _):
        redis.fill()
        refused = await claims.claim(key(1), b"a", LEASE_S)
        available = claims.available
        redis.drain()
        await until(lambda: claims.available, within_s=3.0)
        granted = await claims.claim(key(1), b"a", LEASE_S)

    assert refused is None
    assert not available
    assert granted

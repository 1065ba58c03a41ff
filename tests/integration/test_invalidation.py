"""An invalidation that was acknowledged reaches every replica, whatever becomes of Redis."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.caches.invalidation import REACHES_WITHIN_S, Invalidations
from service.domain.kept import Kept, Selector
from service.domain.provider import ModelRef
from service.domain.voids import SELECTORS_MAX
from service.ports import SharedCacheUnreachable
from tests.kit.redis import RedisServer, redis_server

HASH = "aip:voids:1"
KEY = b"k" * 32
EVERYTHING = Selector()
OURS = Selector(tenant="t")
KEPT = Kept("t", "", "m", ModelRef("p", "m"), b"", 0.0, 1.0, 0.1, 0, None)
OTHERS = replace(KEPT, tenant="other")


@pytest.fixture(name="redis", scope="module")
def _redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@dataclass
class Replica:
    invalidations: Invalidations
    client: Redis
    knows: int = 0
    """Invalidations, where a test counts them."""

    def ask(self, kept: Kept = KEPT) -> Kept:
        """The answer to what is asked for now."""
        return replace(kept, generation=self.invalidations.generation)

    def takes(self, kept: Kept) -> bool:
        return not self.invalidations.is_void(KEY, kept)

    async def hear(self) -> None:
        await self.invalidations.hear(self.client)

    async def invalidate(self, selector: Selector = OURS) -> bool:
        return await self.invalidations.invalidate(selector)

    async def listen(self) -> None:
        """Each second, as the door to Redis has it."""
        while True:
            with contextlib.suppress(RedisError, TimeoutError, OSError):
                await self.hear()
            await asyncio.sleep(1.0)


def client_of(port: int) -> Redis:
    """It tries once and waits shortly, as the door to Redis has it."""
    return Redis(
        port=port,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        retry=Retry(NoBackoff(), 0),
    )


@asynccontextmanager
async def replicas(server: RedisServer, count: int = 2) -> AsyncGenerator[list[Replica], None]:
    """On an empty Redis. Each has heard once, and hears no more by itself."""
    clients = [client_of(server.port) for _ in range(count)]
    await clients[0].flushall()
    made = [
        Replica(Invalidations("aip", lambda client=client: client), client) for client in clients
    ]
    try:
        for replica in made:
            await replica.hear()
        yield made
    finally:
        for client in clients:
            await client.aclose()


async def test_the_bound(redis: RedisServer) -> None:
    """What was acknowledged is heeded by replicas that look each second, within the bound."""
    async with replicas(redis, 3) as (first, *others):
        tasks = [asyncio.create_task(replica.listen()) for replica in others]
        slowest_s = 0.0
        for _ in range(3):
            kept = [replica.ask() for replica in (first, *others)]
            assert all(replica.takes(one) for replica in others for one in kept)
            assert await first.invalidate()
            began_at = time.monotonic()
            assert not any(first.takes(one) for one in kept)
            while any(replica.takes(one) for replica in others for one in kept):
                await asyncio.sleep(0.01)
            slowest_s = max(slowest_s, time.monotonic() - began_at)
            assert all(
                math.inf == r.invalidations.memory_age_max_s(time.monotonic()) for r in others
            )
        for task in tasks:
            task.cancel()

    assert slowest_s < first.invalidations.reaches_within_s == REACHES_WITHIN_S


async def test_answers_that_are_selected_and_others(redis: RedisServer) -> None:
    """Others are spared, and so are answers that were asked for after it was heard."""
    async with replicas(redis) as (first, second):
        ours, others = second.ask(), second.ask(OTHERS)
        await first.invalidate()
        in_between = second.ask()
        await second.hear()

        assert [False, False, True] == [second.takes(one) for one in (ours, in_between, others)]
        assert second.takes(second.ask())
        assert first.takes(second.ask())


async def test_a_replica_that_starts_later(redis: RedisServer) -> None:
    """It hears what was made void before it was there, and takes what is still good."""
    async with replicas(redis, 3) as (first, second, _third):
        void, good = first.ask(), first.ask(OTHERS)
        await first.invalidate()
        late = Replica(Invalidations("aip", lambda: second.client), second.client)
        await late.hear()

        assert [False, True] == [late.takes(void), late.takes(good)]


async def test_a_walk(redis: RedisServer) -> None:
    """At any time a replica holds void exactly what the invalidations that it knows make void."""
    random = Random(4)
    selectors = [OURS, Selector(model="m"), Selector(namespace="n"), Selector(key=KEY), EVERYTHING]
    sorts = [KEPT, OTHERS, replace(KEPT, namespace="n", model="x", target=ModelRef("p", "x"))]
    acknowledged: list[Selector] = []
    asked: list[tuple[int, Kept]] = []
    checked = 0
    async with replicas(redis, 3) as all_replicas:
        for _ in range(600):
            replica = random.choice(all_replicas)
            match random.randrange(4):
                case 0:
                    acknowledged.append(random.choices(selectors, (9, 9, 9, 3, 1))[0])
                    assert await replica.invalidate(acknowledged[-1])
                    replica.knows = len(acknowledged)
                case 1:
                    await replica.hear()
                    replica.knows = len(acknowledged)
                case _:
                    asked.append((replica.knows, replica.ask(random.choice(sorts))))
            for number, kept in random.sample(asked, min(len(asked), 20)):
                newer = acknowledged[number : replica.knows]
                assert replica.takes(kept) != any(selects(s, kept) for s in newer)
                checked += 1

    assert checked > 5000


async def test_a_redis_that_forgets(redis: RedisServer) -> None:
    """Whatever Redis loses, and whichever older copy takes over: nothing void comes back."""
    random = Random(4)
    acknowledged: list[Selector] = []
    asked: list[tuple[int, Kept]] = []
    copies: list[bytes | None] = []
    async with replicas(redis, 3) as all_replicas:
        client = all_replicas[0].client
        for step in range(400):
            replica = random.choice(all_replicas)
            match random.randrange(12):
                case 0:
                    await client.flushall()
                case 1:
                    copies.append(await client.dump(HASH))
                case 2 if copies and (copy := random.choice(copies)):
                    await client.restore(HASH, 0, copy, replace=True)
                case 3 | 4 | 5:
                    acknowledged.append(random.choice([OURS, Selector(model="m"), EVERYTHING]))
                    assert await replica.invalidate(acknowledged[-1])
                case _:
                    asked.append((len(acknowledged), replica.ask(random.choice([KEPT, OTHERS]))))
            if random.randrange(4) == 0 or step == 399:
                # All hear what is so, and then what those who knew more have made of it.
                for one in (*all_replicas, *all_replicas):
                    await one.hear()
                for number, kept in asked:
                    if any(selects(selector, kept) for selector in acknowledged[number:]):
                        assert not any(one.takes(kept) for one in all_replicas)

        assert all(one.takes(other.ask()) for one in all_replicas for other in all_replicas)


async def test_a_redis_that_restarts_empty(tmp_path: Path) -> None:
    """While it is down nothing is acknowledged; when it is back every older answer is void."""
    with redis_server(tmp_path) as server:
        async with replicas(server) as (first, second):
            ours, others = second.ask(), second.ask(OTHERS)
            server.kill()
            with pytest.raises(SharedCacheUnreachable, match="ConnectionError"):
                await first.invalidate()

            # It counts here at once, and nobody else knows yet.
            assert [False, True] == [first.takes(ours), second.takes(ours)]
            assert first.takes(others)
            assert first.takes(first.ask())
            with pytest.raises(RedisError):
                await second.hear()

            server.start()
            await first.hear()
            await second.hear()
            assert not any(r.takes(kept) for r in (first, second) for kept in (ours, others))
            assert second.takes(first.ask())


async def test_what_could_not_be_told_is_told_later(redis: RedisServer) -> None:
    """A refused invalidation reaches the others as soon as Redis can be written again."""
    async with replicas(redis) as (first, second):
        ours, others = second.ask(), second.ask(OTHERS)
        await first.client.replicaof("127.0.0.1", 1)  # pyright: ignore[reportGeneralTypeIssues]
        try:
            with pytest.raises(SharedCacheUnreachable, match=r"ReadOnlyError|ResponseError"):
                await first.invalidate()
            # Whoever cannot write still hears, and so is not cut off.
            first.invalidations.heard_at = -math.inf
            with pytest.raises(RedisError):
                await first.hear()
            assert math.inf == first.invalidations.memory_age_max_s(time.monotonic())
        finally:
            await first.client.replicaof("NO", "ONE")  # pyright: ignore[reportGeneralTypeIssues]
        await first.hear()
        await second.hear()

        assert [False, False] == [first.takes(ours), second.takes(ours)]
        assert [True, True] == [first.takes(others), second.takes(others)]
        assert second.takes(first.ask())


async def test_what_others_asked_for_meanwhile(redis: RedisServer) -> None:
    """Until it is told nobody knows what came before it: answers of others are void here."""
    async with replicas(redis) as (first, second):
        await second.invalidate(Selector(tenant="another"))
        await first.client.replicaof("127.0.0.1", 1)  # pyright: ignore[reportGeneralTypeIssues]
        try:
            with pytest.raises(SharedCacheUnreachable):
                await first.invalidate()
            with pytest.raises(RedisError):
                await first.hear()
            assert [False, True] == [first.takes(second.ask(k)) for k in (KEPT, OTHERS)]
            assert first.takes(first.ask())
        finally:
            await first.client.replicaof("NO", "ONE")  # pyright: ignore[reportGeneralTypeIssues]


async def test_a_redis_that_is_given_up_and_taken_again(redis: RedisServer) -> None:
    """What was made void in between stays so, though its numbers are those of before."""
    async with replicas(redis) as (first, _second):
        clients = [None, first.client]
        turning = Replica(Invalidations("aip", lambda: clients[0]), first.client)
        await leave_something_old(first.client)
        await turning.hear()
        kept = turning.ask()
        assert not await turning.invalidate()
        clients.reverse()
        await first.invalidate(Selector(tenant="another"))
        await turning.hear()

        assert not turning.takes(kept)
        assert turning.takes(turning.ask())


async def test_a_redis_that_is_stopped(redis: RedisServer) -> None:
    """It is given up on in time; what it did meanwhile all the same is acknowledged by nobody."""
    async with replicas(redis) as (first, second):
        kept = second.ask()
        redis.stop()
        began_at = time.monotonic()
        try:
            with pytest.raises(SharedCacheUnreachable, match="TimeoutError"):
                await first.invalidate()
            took_s = time.monotonic() - began_at
        finally:
            redis.resume()
        await first.hear()
        await second.hear()

        assert took_s < 1.1
        assert not second.takes(kept)


async def test_a_redis_that_is_full(tmp_path: Path) -> None:
    """What is void is told when nothing else finds room."""
    with redis_server(tmp_path, "--maxmemory-policy", "noeviction") as server:
        async with replicas(server) as (first, second):
            kept = second.ask()
            await first.client.config_set("maxmemory", "1")
            with pytest.raises(RedisError, match="maxmemory"):
                await first.client.set("more", "than there is room for")
            for _ in range(10):
                assert await first.invalidate()
            await second.hear()

            assert not second.takes(kept)


async def test_cut_off() -> None:
    """Who has heard nothing for 2 s takes young answers only; without Redis age is nothing."""
    client = client_of(1)
    now = 100.0
    cut_off = Invalidations("aip", lambda: client, cut_off_ttl_s=30.0, clock=lambda: now)
    alone = Invalidations()

    assert [30.0, math.inf] == [i.memory_age_max_s(now) for i in (cut_off, alone)]
    cut_off.heard_at = now
    assert [math.inf, math.inf, 30.0] == [
        cut_off.memory_age_max_s(now + later_s) for later_s in (0.0, 2.0, 2.001)
    ]
    assert [(2.0, 30.0), (0.0, 0.0)] == [
        (i.reaches_within_s, i.cut_off_within_s) for i in (cut_off, alone)
    ]
    await client.aclose()


async def test_heard_when_the_look_began(redis: RedisServer) -> None:
    """What is acknowledged while a look is under way may be missed by it: its beginning counts."""
    async with replicas(redis) as (first, _second):
        clock = iter([5.0, 9.0])
        late = Invalidations("aip", lambda: first.client, clock=lambda: next(clock))
        await late.hear(first.client)

        assert 5.0 == late.heard_at


async def test_many(redis: RedisServer) -> None:
    """2,000 selectors: the hash stays small, others hear them, and what is newer is spared."""
    async with replicas(redis) as (first, second):
        ours, others = second.ask(), second.ask(OTHERS)
        began_at = time.monotonic()
        for number in range(2000):
            assert await first.invalidate(Selector(tenant=f"t{number}"))
        took_s = time.monotonic() - began_at
        await second.hear()
        fields = await first.client.hlen(HASH)  # pyright: ignore[reportGeneralTypeIssues]

        # The 1,025th made one of all before it; beside them stands the state.
        assert 2000 - SELECTORS_MAX + 1 == fields
        assert [False, False] == [second.takes(ours), second.takes(others)]
        assert first.takes(second.ask())
        assert took_s < 20.0
        size = await first.client.memory_usage(HASH)
        await first.invalidate(EVERYTHING)
        assert 2 == await first.client.hlen(HASH)  # pyright: ignore[reportGeneralTypeIssues]
        assert size is not None
        assert size < 256 * 1024


async def test_many_at_once_that_were_not_told(redis: RedisServer) -> None:
    """More than there is room for while Redis is away become everything, and that is told."""
    async with replicas(redis) as (first, second):
        others = second.ask(OTHERS)
        gone = client_of(1)
        alone = Replica(Invalidations("aip", lambda: gone), first.client)
        await alone.hear()
        for number in range(SELECTORS_MAX + 1):
            with pytest.raises(SharedCacheUnreachable):
                await alone.invalidate(Selector(tenant=f"t{number}"))
        assert second.takes(others)
        await alone.hear()
        await second.hear()
        await gone.aclose()

        assert not second.takes(others)


async def test_selectors_that_no_answer_is_older_than(redis: RedisServer) -> None:
    """They leave the hash by the clock of Redis, and nobody takes that for a loss."""
    async with replicas(redis) as (first, second):
        others = second.ask(OTHERS)
        await leave_something_old(first.client)
        await first.hear()
        await second.hear()
        await first.invalidate()
        await second.hear()
        names = await first.client.hkeys(HASH)  # pyright: ignore[reportGeneralTypeIssues]

        assert [b'["t",null,null,null]', b"state"] == sorted(names)
        assert second.takes(others)


@pytest.mark.parametrize("garbage", [(b"state", b"x"), (b"{}", b"1:1:1")])
async def test_garbage(redis: RedisServer, garbage: tuple[bytes, bytes]) -> None:
    """A hash that nobody can read is begun anew; until then nothing that it holds is believed."""
    async with replicas(redis) as (first, second):
        kept = second.ask()
        await first.client.hset(HASH, *garbage)  # pyright: ignore[reportGeneralTypeIssues]
        assert await first.invalidate()
        await second.hear()

        assert not second.takes(kept)
        assert first.takes(second.ask())


async def test_one_that_was_cancelled(redis: RedisServer) -> None:
    """A caller that leaves gets no acknowledgement; the others are told all the same."""
    async with replicas(redis) as (first, second):
        kept = second.ask()
        redis.stop()
        task = asyncio.create_task(first.invalidate())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        redis.resume()
        await first.hear()
        await second.hear()

        assert not second.takes(kept)


async def test_alone() -> None:
    """Without Redis it counts at once, and nobody else is spoken of."""
    alone = Replica(Invalidations(), client_of(1))
    kept, others = alone.ask(), alone.ask(OTHERS)

    assert not await alone.invalidate()
    assert [False, True, True] == [alone.takes(one) for one in (kept, others, alone.ask())]
    for number in range(5000):
        await alone.invalidate(Selector(tenant=f"t{number % 7}"))
    assert [False, True, True] == [alone.takes(one) for one in (kept, others, alone.ask())]


async def test_more_than_fit_between_two_numbers(redis: RedisServer) -> None:
    """One that was never told more than its stamps can hold gives up all it has, and goes on."""
    async with replicas(redis) as (first, second):
        others, gone = second.ask(OTHERS), client_of(1)
        alone = Replica(Invalidations("aip", lambda: gone), first.client)
        await alone.hear()
        for _ in range(4100):
            with pytest.raises(SharedCacheUnreachable):
                await alone.invalidate()
        assert not alone.takes(others)
        assert alone.takes(alone.ask())
        await alone.hear()
        await first.hear()
        await gone.aclose()

        assert alone.takes(first.ask())
        assert not first.takes(others)


def selects(selector: Selector, kept: Kept) -> bool:
    return (
        selector.tenant in (None, kept.tenant)
        and selector.namespace in (None, kept.namespace)
        and selector.model in (None, kept.model)
        and selector.key in (None, KEY)
    )


async def leave_something_old(client: Redis) -> None:
    """An invalidation as if of long ago: the next one drops it."""
    script = """
        local epoch = string.match(redis.call('HGET', KEYS[1], 'state'), '^%d+')
        redis.call('HSET', KEYS[1], '["old",null,null,null]', '1:5:1000')
        redis.call('HSET', KEYS[1], 'state', epoch .. ':1:5:100')
    """
    await client.eval(script, 1, HASH)  # pyright: ignore[reportGeneralTypeIssues]

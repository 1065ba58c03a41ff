"""What replicas hear of each other through a real Redis: at true speed where a bound is tested."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from service.domain.breaker import Circuit, Trip
from service.domain.peers import INTERVAL_S, STALE_S
from service.domain.wishes import Exclusion
from service.sharing.redis import KEY
from tests.kit.redis import RedisServer, redis_server
from tests.kit.replicas import (
    BUSY,
    DOWN,
    FAST,
    HEARD_WITHIN_S,
    SLACK_S,
    A,
    B,
    Replica,
    die,
    replicas,
    until,
)


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


async def test_an_outage_that_two_replicas_see(redis: RedisServer) -> None:
    """Two of four replicas open a circuit: the others do within the bound, without one attempt."""
    async with replicas(4, redis.url) as (first, second, third, fourth):
        first.see(A, DOWN, times=5)
        second.see(A, DOWN, times=5)
        others = (third, fourth)
        took_s = await until(lambda: all(r.view(A).circuit is Circuit.OPEN for r in others))
        excluded = [(out.candidate.target, out.why) for out in third.plan().excluded]

        assert took_s < HEARD_WITHIN_S
        assert [(A, Exclusion.CIRCUIT_OPEN)] == excluded
        assert [Trip.PEER, Trip.PEER] == [r.view(A).trip for r in others]
        entry = third.board.peek(A)
        assert entry is not None
        assert 0 == entry.attempt_count


async def test_faults_that_one_replica_sees(redis: RedisServer) -> None:
    """One replica's faults are no outage to three others, but they ask elsewhere first."""
    async with replicas(4, redis.url) as (first, *others):
        before = [replica.share_of(A) for replica in others]
        first.see(A, DOWN, times=5)
        took_s = await until(lambda: all(replica.share_of(A) < 0.05 for replica in others))

        assert [1 / 3] * 3 == [pytest.approx(share) for share in before]
        assert took_s < HEARD_WITHIN_S
        assert [Circuit.CLOSED] * 3 == [replica.view(A).circuit for replica in others]


async def test_a_quota_is_everybodys(redis: RedisServer) -> None:
    """A provider that asks one replica to wait is spared by all within two seconds."""
    async with replicas(4, redis.url) as (first, *others):
        first.see(A, BUSY)

        def spared(replica: Replica) -> bool:
            return [Exclusion.QUOTA] == [out.why for out in replica.plan().excluded]

        took_s = await until(lambda: all(spared(replica) for replica in others))
        left_s = [r.view(A).quota_until - r.board.clock() for r in others]

        assert took_s < HEARD_WITHIN_S
        assert all(25.0 < seconds < 40.0 for seconds in left_s)


async def test_a_trial_that_is_answered_ends_it_for_all(redis: RedisServer) -> None:
    """When one replica's trial is answered, what was opened on hearsay closes: a slow start."""
    async with replicas(3, redis.url, FAST) as (first, second, third):
        first.see(A, DOWN, times=5)
        second.see(A, DOWN, times=5)
        await until(lambda: third.view(A).circuit is Circuit.OPEN)
        await until(lambda: first.view(A).circuit is Circuit.HALF_OPEN)
        first.see(A)
        took_s = await until(lambda: third.view(A).circuit is Circuit.CLOSED)

        assert took_s < HEARD_WITHIN_S / FAST + SLACK_S
        assert third.view(A).ramp < 1.0


async def test_the_words_of_the_dead_vanish(redis: RedisServer) -> None:
    """A replica that dies without a goodbye is not believed any more after the bound."""
    async with replicas(2, redis.url) as (first, second):
        first.see(A, BUSY)
        first.see(B, DOWN, times=4)
        await until(lambda: second.view(A).quota_until > 0)
        died_at = time.monotonic()
        die(first)
        await until(lambda: second.view(A).quota_until == 0)
        unheard_s = time.monotonic() - died_at
        await until(lambda: "0 peers" in repr(second.sharer))
        forgotten_s = time.monotonic() - died_at

        assert 2.0 < unheard_s <= forgotten_s < INTERVAL_S + STALE_S + SLACK_S
        assert pytest.approx(0.9) == second.view(B).quality


async def test_goodbye(redis: RedisServer) -> None:
    """A replica that leaves takes its field along."""
    async with replicas(2, redis.url, FAST) as (first, _second):
        assert b":2\r\n" == redis.ask("HLEN", KEY)
        await first.sharer.follow(None)
        assert b":1\r\n" == redis.ask("HLEN", KEY)
        assert "<Sharer alone>" == repr(first.sharer)

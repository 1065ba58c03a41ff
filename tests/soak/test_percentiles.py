"""A million latencies, recorded by four replicas: percentiles are within 2 % of the exact ones."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from service.domain import sketch
from service.domain.call_record import Phases
from service.domain.rollup import Count, Kind
from service.domain.rollup_plan import Retention
from service.ledger.redis import RedisStore
from service.ledger.sqlite import SqliteStore
from tests.kit.ledger import NOW, call, everything, kept_in
from tests.kit.redis import redis_server

CALLS, REPLICAS, PART = 1_000_000, 4, 25_000
SHARES = (0.01, 0.5, 0.95, 0.99, 0.999, 0.99999)
CENTURY = Retention(*[100 * 366 * 86_400.0] * 3)


def _latency_s(rng: Random) -> float:
    """Hits in a millisecond, answers in seconds, and a few that took a minute."""
    kind = rng.random()
    if kind < 0.3:
        return rng.lognormvariate(-7.0, 0.5)
    return rng.lognormvariate(0.3, 0.9) if kind < 0.999 else rng.uniform(50.0, 120.0)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_percentiles_of_a_million(tmp_path: Path, kind: str) -> None:
    """Summed by four replicas that flush by turns, over four weeks and all resolutions."""
    rng = Random(7)
    latencies = [_latency_s(rng) for _ in range(CALLS)]
    usual = call(attempts=(), phases=Phases())
    with redis_server(tmp_path) as server:

        def store() -> RedisStore | SqliteStore:
            if kind == "redis":
                return RedisStore(server.terms(), "aip", CENTURY)
            return SqliteStore(tmp_path / "ledger.sqlite3", Retention())

        async with AsyncExitStack() as stack:
            replicas = [await stack.enter_async_context(kept_in(store())) for _ in range(REPLICAS)]
            for number, at in enumerate(range(0, CALLS, PART)):
                book, recorder = replicas[number % REPLICAS]
                records = [
                    replace(usual, total_s=total_s, ended_at=NOW - 40_000.0 * rng.randrange(60))
                    for total_s in latencies[at : at + PART]
                ]
                await asyncio.to_thread(recorder, records)
                await book.flush()
            answer = await replicas[0][0].query(everything(kinds=frozenset({Kind.TOTAL})))
        lost = sum(recorder.lost_count for _, recorder in replicas)

    assert 0 == lost
    assert CALLS == answer.total[Count.REQUESTS]
    latencies.sort()
    worst = 0.0
    for share in SHARES:
        exact = latencies[math.ceil(share * CALLS) - 1]
        found = sketch.quantile(answer.total.tally(Kind.TOTAL), share)
        assert found is not None
        worst = max(worst, abs(found - exact) / exact)
    print(f"{kind}: at most {100 * worst:.2f} % from the exact percentiles")  # noqa: T201
    assert 0 < worst <= 0.02

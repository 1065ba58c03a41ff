"""Replicas that share a ledger, many thousand mixed requests, faults, retries and a `kill -9`.

Sums of the ledger are sums of what callers were told. Of the replica that was killed at most one
flush interval is missing. `SOAK_CALLS` is how many requests are made.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import grpc.aio
import pytest
from aiprovider.v1 import (
    analytics_service_pb2,
    analytics_service_pb2_grpc,
    completion_service_pb2_grpc,
)

from service.adversary import Adversary
from tests.kit.process import Process
from tests.kit.redis import redis_server
from tests.kit.serving import details, streaming, unary

CALLS = int(os.environ.get("SOAK_CALLS", "100000"))
REPLICAS = 3
AT_ONCE = 24
"""For each replica."""
FLUSH_S = 1.0
LOST_MAX_S = FLUSH_S + 2.0
"""An interval, and the time that a batch takes on a busy machine."""
ATTEMPTS_MAX = 3
"""Of a caller who asks again elsewhere."""
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash", "deepseek-chat")
FAULTS = ("status=503", "status=429", "cut-event=3", "missing=usage", "usage=rich", "status=400")
FAMILIES = ("openai", "anthropic", "gemini", "deepseek")
SETTINGS = {
    "AI_PROVIDER__ANALYTICS__FLUSH_INTERVAL_S": str(FLUSH_S),
    "AI_PROVIDER__ANALYTICS__LABELS": '["replica"]',
    "AI_PROVIDER__AUTH__ANONYMOUS_PERMISSIONS": '["analytics_all"]',
    "AI_PROVIDER__CACHE__ENABLED": "true",
    "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "2",
    "AI_PROVIDER__ROUTING__FALLBACKS": '{"gpt-4o": ["claude-sonnet-4-5"]}',
}
UNTOLD = "untold"
"""How a call ended of which the service itself told nothing."""


class Told(NamedTuple):
    at: float
    nano_usd: int
    saved: int
    reason: str


@dataclass
class Replica:
    name: str
    process: Process
    told: list[Told] = field(default_factory=list[Told])

    def __post_init__(self) -> None:
        self.channel = grpc.aio.insecure_channel(self.process.target, (("grpc.enable_retries", 0),))
        channel: Any = self.channel
        self.completion: Any = completion_service_pb2_grpc.CompletionServiceStub(channel)
        self.analytics: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(channel)

    @property
    def heard(self) -> list[Told]:
        return [one for one in self.told if one.reason != UNTOLD]

    async def ask(self, text: str, model: str, *, stream: bool) -> str:
        """The reason of its failure, "" for an answer."""
        labels = {"replica": self.name}
        nano_usd = saved = 0
        reason = ""
        try:
            if stream:
                call = self.completion.StreamComplete(
                    streaming(text, model, labels=labels), timeout=30
                )
                answer: Any = [event async for event in call][-1].finished
            else:
                answer = await self.completion.Complete(
                    unary(text, model, labels=labels), timeout=30
                )
            nano_usd, saved = answer.cost.total_nano_usd, answer.cost.saved_nano_usd
        except grpc.aio.AioRpcError as error:
            found = details(error)
            reason = found.error.reason or UNTOLD
            nano_usd = found.failure.partial_cost.total_nano_usd
        self.told.append(Told(time.monotonic(), nano_usd, saved, reason))
        return reason


async def caller(replicas: Sequence[Replica], first: int, numbers: Any) -> None:
    """Asks one after the other, mostly the same replica; again elsewhere where that may help."""
    rng = random.Random(first)
    for number in numbers:
        text, model = f"Text {rng.randrange(CALLS // 2)}", MODELS[number % len(MODELS)]
        stream, place = rng.random() < 0.4, first
        for _ in range(ATTEMPTS_MAX):
            reason = await replicas[place % len(replicas)].ask(text, model, stream=stream)
            if reason not in (UNTOLD, "PROVIDER_UNAVAILABLE", "PROVIDER_RATE_LIMITED"):
                break
            place += 1


async def misbehave(adversary: Adversary) -> None:
    """Now and then a provider does something else than what it should."""
    rng = random.Random(1)
    while True:
        adversary.script(rng.choice(FAULTS), rng.choice(FAMILIES), times=rng.randrange(1, 4))
        await asyncio.sleep(0.02)


async def sums(replica: Replica) -> dict[str, Any]:
    """What the ledger says of each replica, by its name."""
    asked = analytics_service_pb2.QueryCostsRequest()
    asked.query.group_by.append(analytics_service_pb2.USAGE_DIMENSION_LABEL)
    asked.query.label_key = "replica"
    told = await replica.analytics.QueryCosts(asked, timeout=60)
    return {bucket.dimensions["label:replica"]: bucket for bucket in told.buckets}


@pytest.mark.parametrize("store", ["sqlite", "redis"])
async def test_sums_are_sums_of_the_answers(tmp_path: Path, store: str) -> None:
    """To the last nano-USD for replicas that end; nearly so for the one that is killed."""
    settings = {**SETTINGS, "AI_PROVIDER__ANALYTICS__STORE": store}
    settings["AI_PROVIDER__ANALYTICS__FILE"] = str(tmp_path / "ledger.sqlite3")
    with redis_server(tmp_path) as server:
        if store == "redis":
            settings["AI_PROVIDER__ANALYTICS__REDIS_URL"] = server.url
        async with Adversary() as adversary, AsyncExitStack() as processes:

            def started(name: str) -> Replica:
                (tmp_path / name).mkdir()
                process = Process(tmp_path / name, adversary, **settings)
                processes.callback(process.stop)
                process.wait_line("ready", 60.0)
                replica = Replica(name, process)
                processes.push_async_callback(replica.channel.close, None)
                return replica

            replicas = [started(f"r{number}") for number in range(REPLICAS)]
            misbehaving = asyncio.ensure_future(misbehave(adversary))
            killed_at = await load(replicas)
            misbehaving.cancel()
            for replica in replicas[1:]:
                replica.process.child.send_signal(signal.SIGTERM)
                assert 0 == await asyncio.to_thread(replica.process.child.wait, 60)
            found = await sums(started("witness"))

    for replica in replicas[1:]:
        bucket, heard = found[replica.name], replica.heard
        assert len(replica.told) == len(heard)
        assert bucket.requests == len(heard)
        assert bucket.cost.total_nano_usd == sum(one.nano_usd for one in heard)
        assert bucket.savings.cache_nano_usd + bucket.savings.coalescing_nano_usd == sum(
            one.saved for one in heard
        )
    killed, heard = found[replicas[0].name], replicas[0].heard
    sure = [one for one in heard if one.at < killed_at - LOST_MAX_S]
    untold_count = len(replicas[0].told) - len(heard)
    print(  # noqa: T201 - figures for whoever runs it
        f"{store}: {sum(len(one.told) for one in replicas)} calls; of the one that was killed"
        f" {len(heard)} were told, {killed.requests} recorded, {untold_count} cut off"
    )
    assert len(sure) <= killed.requests <= len(heard) + untold_count
    assert sum(one.nano_usd for one in sure) <= killed.cost.total_nano_usd
    assert len(sure) > 100


async def load(replicas: Sequence[Replica]) -> float:
    """All the requests; when about half of them were made, the first replica is killed.

    When that was, in monotonic time.
    """
    callers = REPLICAS * AT_ONCE
    working = [
        asyncio.ensure_future(caller(replicas, n, range(n, CALLS, callers))) for n in range(callers)
    ]
    while sum(len(one.told) for one in replicas) < CALLS // 2:
        await asyncio.sleep(0.01)
    killed_at = time.monotonic()
    replicas[0].process.child.kill()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*working)
    return killed_at

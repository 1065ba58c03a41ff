"""Outages that come and go: of one provider, of all, and how the service comes back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.chaos.scene import BY_PRIORITY, LEADER, SECOND, THIRD, Scene, scene

Score = Callable[[str, Scene], None]
ALL = (LEADER, SECOND, THIRD)
AMPLIFICATION_MAX = 1.2


async def test_flapping(tmp_path: Path, score: Score) -> None:
    """A provider that is down every other half second costs its callers nothing but a failover."""
    async with scene(tmp_path, **BY_PRIORITY) as made:

        async def flap() -> None:
            for _ in range(8):
                made.fault("status=503", LEADER)
                await asyncio.sleep(0.5)
                made.adversary.unscript()
                await asyncio.sleep(0.5)

        flapping = asyncio.create_task(flap())
        await made.ask_many(160, every_s=0.05)
        await flapping
        score("flapping", made)

    assert made.upstream() <= AMPLIFICATION_MAX * len(made.seen)
    made.require()


async def test_all_down(tmp_path: Path, score: Score) -> None:
    """In a total outage nobody waits, nobody hammers, and everybody is told when to come back."""
    async with scene(tmp_path) as made:
        made.fault("status=503", *ALL)
        await made.ask_many(200, every_s=0.02)
        score("all providers down", made)

    assert made.upstream() <= AMPLIFICATION_MAX * len(made.seen)
    late = [one for one in made.seen if one.reason == "NO_HEALTHY_PROVIDER"]
    assert late
    assert all(one.retry_after_s is not None for one in late)
    assert max(one.took_s for one in late) < 0.5
    made.require("PROVIDER_UNAVAILABLE", "NO_HEALTHY_PROVIDER")


async def test_recovery(tmp_path: Path, score: Score) -> None:
    """Soon after an outage ends every caller is served again, and the provider has its share."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("status=503", *ALL)
        await made.ask_many(10)
        made.adversary.unscript()
        ended = time.monotonic()
        while (await made.ask()).reason:
            await asyncio.sleep(0.1)
        served_after_s = time.monotonic() - ended
        while (await made.ask()).provider != LEADER:
            await asyncio.sleep(0.1)
        back_after_s = time.monotonic() - ended
        score("recovery from a total outage", made)

    # A first opening lasts 5 s and a fifth.
    assert served_after_s < 6.5
    assert back_after_s < 7.0
    made.require("PROVIDER_UNAVAILABLE", "NO_HEALTHY_PROVIDER")


async def test_one_of_three_down(tmp_path: Path, score: Score) -> None:
    """With default settings the outage of one provider is invisible but for a few failovers."""
    async with scene(tmp_path) as made:
        first = Counter(seen.provider for seen in await made.ask_many(20))
        favourite = first.most_common(1)[0][0]
        made.seen.clear()
        made.adversary.clear()
        made.fault("status=503", favourite)
        await made.ask_many(100, every_s=0.01)
        score("one of three down, whoever led", made)

    assert made.upstream(favourite) <= 12
    made.require()

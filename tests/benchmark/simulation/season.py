"""One run: replicas under Poisson arrivals, for a while, with the weather that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from tests.benchmark.simulation.contestants import Contestant, Result
from tests.benchmark.simulation.upstream import Spell, Traits, Upstream
from tests.kit import virtual

Build = Callable[[Sequence[Upstream], Random], Contestant]


@dataclass(frozen=True, slots=True)
class Season:
    """The last `measured_s` of `length_s` count. `rate_per_s` is that of each replica."""

    traits: tuple[Traits, ...]
    length_s: float
    measured_s: float
    spells: tuple[Spell, ...] = ()
    replica_count: int = 1
    rate_per_s: float = 50.0

    @property
    def measured_from_s(self) -> float:
        return self.length_s - self.measured_s


class Request(NamedTuple):
    """One request that arrived at `at` at a replica, and how it went."""

    at: float
    replica: int
    latency_s: float
    result: Result


def simulate(season: Season, build: Build, seed: int) -> list[Request]:
    """The requests of the part that counts, in the order in which they ended."""
    return virtual.run(_simulated(season, build, seed))


async def _simulated(season: Season, build: Build, seed: int) -> list[Request]:
    now = asyncio.get_running_loop().time
    upstreams = [
        Upstream(traits, season.spells, now, Random(f"{seed} {traits.name}"))
        for traits in season.traits
    ]
    requests: list[Request] = []

    async def one(number: int, replica: Contestant) -> None:
        began = now()
        result = await replica.ask()
        if began >= season.measured_from_s:
            requests.append(Request(began, number, now() - began, result))

    async def arrivals(number: int, group: asyncio.TaskGroup) -> None:
        replica = build(upstreams, Random(f"{seed} replica {number}"))
        rng = Random(f"{seed} arrivals {number}")
        while True:
            await asyncio.sleep(rng.expovariate(season.rate_per_s))
            if now() >= season.length_s:
                return
            group.create_task(one(number, replica))

    async with asyncio.TaskGroup() as group:
        for number in range(season.replica_count):
            group.create_task(arrivals(number, group))
    return requests

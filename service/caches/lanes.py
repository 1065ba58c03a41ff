"""Which node of Redis has a key. Keeps a lane to each, and notices when they change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Protocol

import structlog

from service.caches.lane import Lane, Patience
from service.redis_door import (
    SLOTS_COUNT,
    Client,
    Mode,
    RedisTerms,
    kind,
    line,
    node_line,
    owners,
    slot_of,
)

LOOK_EVERY_S = 10.0
"""How often a cluster is asked for its slots while all is well; else each second."""
LOOK_MAX_S = 2.0
_log = structlog.get_logger()


class Lanes(Protocol):
    """Where keys are. Nothing raises."""

    problem: str
    """Why nobody knows, empty if that is known."""

    @property
    def all(self) -> Sequence[Lane]: ...

    def of(self, key: bytes) -> Lane | None:
        """None where nobody has it, or nobody knows who."""
        ...

    async def look(self) -> None:
        """To be called each second: asks who has what, if need be."""
        ...

    async def aclose(self) -> None: ...


class OneLane:
    """Everything is at one server, whoever that is."""

    problem = ""

    def __init__(self, terms: RedisTerms, probe: bytes, patience: Patience) -> None:
        self._lane = Lane(line(terms), terms.server, probe, patience, at_once=True)

    def __repr__(self) -> str:
        return repr(self._lane)

    @property
    def all(self) -> Sequence[Lane]:
        return (self._lane,)

    def of(self, key: bytes) -> Lane | None:  # noqa: ARG002 - wherever
        return self._lane

    async def look(self) -> None: ...

    async def aclose(self) -> None:
        await self._lane.aclose()


class ClusterLanes:
    """A lane to each node that has slots. `cluster` is asked for them."""

    def __init__(
        self, terms: RedisTerms, cluster: Client, probe: bytes, patience: Patience
    ) -> None:
        self.problem = "not asked yet"
        self._terms = terms
        self._cluster = cluster
        self._probe = probe
        self._patience = patience
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._slots: list[Lane | None] = [None] * SLOTS_COUNT
        self._look_at = 0.0

    def __repr__(self) -> str:
        return f"<ClusterLanes {', '.join(map(repr, self._lanes.values())) or self.problem}>"

    @property
    def all(self) -> Sequence[Lane]:
        return list(self._lanes.values())

    def of(self, key: bytes) -> Lane | None:
        return self._slots[slot_of(key)]

    async def look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._look_at and not any(
            lane.moved or not lane.is_open() for lane in self._lanes.values()
        ):
            return
        try:
            async with asyncio.timeout(LOOK_MAX_S):
                found = await owners(self._cluster)
        except Exception as error:  # noqa: BLE001 - whatever a broken cluster makes of the library
            # What was known may still hold.
            if not self._lanes and self.problem != kind(error):
                _log.warning(
                    "no node of the Redis cluster can be asked",
                    server=self._terms.server,
                    error=kind(error),
                )
            self.problem = kind(error)
            return
        self.problem = ""
        self._look_at = now + LOOK_EVERY_S
        await self._adopt(found)

    async def aclose(self) -> None:
        for lane in self._lanes.values():
            await lane.aclose()

    async def _adopt(self, found: Sequence[tuple[str, int] | None]) -> None:
        addresses = {address for address in found if address is not None}
        for host, port in sorted(addresses - self._lanes.keys()):
            there = node_line(self._terms, host, port)
            lane = Lane(there, f"{host}:{port}", self._probe, self._patience, at_once=False)
            self._lanes[host, port] = lane
        gone = [self._lanes.pop(address) for address in self._lanes.keys() - addresses]
        self._slots = [address and self._lanes[address] for address in found]
        for lane in self._lanes.values():
            lane.moved = False
            if self.of(lane.probe) is not lane:
                lane.probe = self._probe_of(lane)
        for lane in gone:
            await lane.aclose()

    def _probe_of(self, lane: Lane) -> bytes:
        probes = (b"%b:%d" % (self._probe, number) for number in count())
        return next(probe for probe in probes if self.of(probe) is lane)


def lanes(terms: RedisTerms, client: Client, probe: bytes, patience: Patience) -> Lanes:
    """Raises ValueError for terms that contradict themselves."""
    if terms.mode is Mode.CLUSTER:
        return ClusterLanes(terms, client, probe, patience)
    return OneLane(terms, probe, patience)

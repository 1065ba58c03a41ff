"""Which node of Redis has a key. Keeps a lane to each, and notices when they change."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from itertools import count
from typing import Protocol

import structlog

from service.caches.lane import Lane, Patience
from service.redis_door import (
    SLOTS_COUNT,
    Mode,
    RedisTerms,
    Slots,
    kind,
    line,
    node_line,
    slot_of,
    slots_by,
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
    """A lane to each node that has slots. Raises ValueError for terms that lead to no cluster."""

    def __init__(self, terms: RedisTerms, probe: bytes, patience: Patience) -> None:
        self.problem = "not asked yet"
        self._terms = terms
        self._seeds = [node_line(terms, host, port) for host, port in terms.addresses]
        self._probe = probe
        self._patience = patience
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._known: list[Slots] = []
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
        if now < self._look_at and all(
            lane.is_open() and not lane.moved for lane in self._lanes.values()
        ):
            return
        found = await self._found()
        if found:
            self._look_at = now + LOOK_EVERY_S
            for lane in self._lanes.values():
                lane.moved = False
            if found != self._known:
                await self._adopt(found)

    async def aclose(self) -> None:
        for lane in self._lanes.values():
            await lane.aclose()
        for seed in self._seeds:
            await seed.aclose()

    async def _found(self) -> list[Slots]:
        """Empty when nobody can be asked: what was known may still hold."""
        open_ones = [lane.line for lane in self._lanes.values() if lane.is_open()]
        random.shuffle(open_ones)
        problem = "TimeoutError"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_MAX_S):
                for node in [*open_ones, *self._seeds]:
                    try:
                        found = await slots_by(node)
                    except Exception as error:  # noqa: BLE001 - whatever a broken node makes of it
                        problem = kind(error)
                    else:
                        self.problem = "" if found else "no slots"
                        return found
        if not self._lanes and problem != self.problem:
            server = self._terms.server
            _log.warning("no node of the Redis cluster can be asked", server=server, error=problem)
        self.problem = problem
        return []

    async def _adopt(self, found: list[Slots]) -> None:
        self._known = found
        for part in found:
            if (part.host, part.port) not in self._lanes:
                self._lanes[part.host, part.port] = self._lane(part.host, part.port)
        self._slots = [None] * SLOTS_COUNT
        for part in found:
            lane = self._lanes[part.host, part.port]
            self._slots[part.first : part.last + 1] = [lane] * (part.last + 1 - part.first)
        addresses = {(part.host, part.port) for part in found}
        gone = [self._lanes.pop(address) for address in self._lanes.keys() - addresses]
        for lane in self._lanes.values():
            if self.of(lane.probe) is not lane:
                lane.probe = self._probe_of(lane)
        for lane in gone:
            await lane.aclose()

    def _lane(self, host: str, port: int) -> Lane:
        line = node_line(self._terms, host, port)
        return Lane(line, f"{host}:{port}", self._probe, self._patience, at_once=False)

    def _probe_of(self, lane: Lane) -> bytes:
        probes = (b"%b:%d" % (self._probe, number) for number in count())
        return next(probe for probe in probes if self.of(probe) is lane)


def lanes(terms: RedisTerms, probe: bytes, patience: Patience) -> Lanes:
    """Raises ValueError for terms that contradict themselves."""
    if terms.mode is Mode.CLUSTER:
        return ClusterLanes(terms, probe, patience)
    return OneLane(terms, probe, patience)

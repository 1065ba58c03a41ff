"""How moments and ends are told, in virtual time and without a wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiprovider.v1 import health_service_pb2 as pb

from service.domain.call_record import CallRecord
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.health.monitor import Monitor, Terms
from service.rpc.call import Call, enter
from service.rpc.servicers.health import HealthServicer
from tests.kit.virtual import now, on_virtual_time
from tests.unit.health.scenes import DOWN, Checkable, candidate, opened

EPOCH_S = 1_700_000_000.0
"""What the wall clock says when virtual time begins."""


class Context:
    """Where answers are written to; each write takes `write_s`."""

    def __init__(self, write_s: float = 0.0) -> None:
        self.written: list[pb.ProviderHealth] = []
        self._write_s = write_s

    async def write(self, message: pb.WatchProvidersResponse) -> None:
        await asyncio.sleep(self._write_s)
        self.written.append(message.provider)


def since_epoch_s(moment: Any) -> float:
    return round(moment.ToNanoseconds() / 1e9 - EPOCH_S, 3)


def serving(monitor: Monitor, deadline: float = 1e9) -> Any:
    enter(Call(deadline, CallRecord("WatchProviders", "r", "", now())))
    return HealthServicer(monitor, wall=lambda: EPOCH_S + now())


@on_virtual_time
async def test_moments() -> None:
    """Moments of the monotonic clock are told by the wall clock."""
    passive = [opened("one", 7.25, error_reason=ErrorReason.PROVIDER_TIMEOUT, error_at=0.5)]
    monitor = Monitor(lambda: passive, now)
    monitor.adopt({"one": {"": Checkable(0.25)}, "two": {"": Checkable(0.5, DOWN)}}, Terms())
    servicer = serving(monitor)
    await asyncio.sleep(1.0)
    await servicer.CheckProviders(pb.CheckProvidersRequest(), None)
    await asyncio.sleep(2.0)
    response = await servicer.CheckProviders(pb.CheckProvidersRequest(), None)
    one, two = response.providers

    assert 7.25 == since_epoch_s(one.cooldown_until_time)
    assert 0.5 == since_epoch_s(one.last_error_time)
    assert "PROVIDER_TIMEOUT" == one.last_error_reason
    assert 1.5 == since_epoch_s(two.last_error_time), "when its check ended"
    assert "PROVIDER_UNAVAILABLE" == two.last_error_reason
    assert 500 == two.check_duration.ToMilliseconds()
    assert 1.25 == since_epoch_s(response.check_time), "the oldest"
    assert 2250 == response.age.ToMilliseconds()
    assert response.from_cache


@on_virtual_time
async def test_a_watch_at_its_deadline() -> None:
    """At its deadline a watch is over, and that is no failure."""
    monitor = Monitor(list, now)
    monitor.adopt({"one": {"": Checkable(0.2)}}, Terms())
    context = Context()
    await serving(monitor, deadline=5.0).WatchProviders(pb.WatchProvidersRequest(), context)

    assert 5.0 == now()
    assert [pb.PROVIDER_STATUS_UNKNOWN, pb.PROVIDER_STATUS_HEALTHY] == [
        health.status for health in context.written
    ]


@on_virtual_time
async def test_a_watch_at_the_drain() -> None:
    """A drain tells watchers to go elsewhere."""
    monitor = Monitor(list, now)
    monitor.adopt({"one": {}}, Terms())
    watching = asyncio.ensure_future(
        serving(monitor).WatchProviders(pb.WatchProvidersRequest(), Context())
    )
    await asyncio.sleep(2.5)
    monitor.drain()
    with pytest.raises(ServiceFailure) as caught:
        await watching

    assert 2.5 == now()
    assert ErrorReason.SERVER_DRAINING is caught.value.reason


@on_virtual_time
async def test_a_watcher_who_reads_slowly() -> None:
    """Who reads slowly is told what is true when he reads, and holds up nobody."""
    passive = [candidate()]
    monitor = Monitor(lambda: passive, now)
    monitor.adopt({"one": {"": Checkable(False)}}, Terms())
    slow, fast = Context(write_s=10.0), Context()
    watching = [
        asyncio.ensure_future(serving(monitor).WatchProviders(pb.WatchProvidersRequest(), context))
        for context in (slow, fast)
    ]
    for turn in range(30):
        passive = [candidate() if turn % 2 else opened()]
        monitor.circuit_changed(passive[0].target)
        await asyncio.sleep(0.5)
    await asyncio.sleep(20.0)
    for one in watching:
        one.cancel()

    assert len(fast.written) > 25
    assert len(slow.written) <= 3
    assert pb.PROVIDER_STATUS_HEALTHY == slow.written[-1].status

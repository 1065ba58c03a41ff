"""HealthService. Any identified caller may ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing

from aiprovider.v1 import health_service_pb2 as pb
from aiprovider.v1 import health_service_pb2_grpc as pb_grpc

from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.health import ProviderHealth
from service.domain.reasons import ErrorReason
from service.health.monitor import Monitor
from service.rpc.call import Context, current
from service.rpc.provider_health import STATUSES, provider_health
from service.rpc.values import duration, timestamp


class HealthServicer(pb_grpc.HealthServiceServicer):
    """`wall` gives seconds since the epoch."""

    def __init__(self, monitor: Monitor, wall: Callable[[], float] = time.time) -> None:
        self._monitor = monitor
        self._wall = wall
        self._last: tuple[Sequence[ProviderHealth], list[pb.ProviderHealth]] = ((), [])

    async def CheckProviders(
        self, request: pb.CheckProvidersRequest, context: Context
    ) -> pb.CheckProvidersResponse:
        wanted = self._known(request.providers)
        report = await self._monitor.report(
            force=request.force_refresh, providers=wanted, models=request.include_models
        )
        epoch = self._wall() - report.at
        told: list[pb.ProviderHealth] = []
        for health in self._encoded(report.providers, epoch):
            if wanted and health.provider not in wanted:
                continue
            told.append(health)
            told += [
                provider_health(model, epoch)
                for model in report.models
                if model.provider == health.provider
            ]
        return pb.CheckProvidersResponse(
            providers=told,
            overall=STATUSES[report.overall],
            check_time=timestamp(epoch + report.checked_at),
            age=duration(report.at - report.checked_at),
            from_cache=report.from_cache,
        )

    async def WatchProviders(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine, too
        self, request: pb.WatchProvidersRequest, context: Context
    ) -> None:
        wanted = self._known(request.providers)
        try:
            async with (
                asyncio.timeout_at(current().deadline),
                aclosing(self._monitor.changes(wanted)) as changes,
            ):
                async for health in changes:
                    epoch = self._wall() - self._monitor.clock()
                    told = provider_health(health, epoch)
                    await context.write(pb.WatchProvidersResponse(provider=told))
        except TimeoutError:
            # Watching is over, as agreed: that is no failure.
            return
        raise ServiceFailure(
            ErrorReason.SERVER_DRAINING, "this replica is shutting down: watch another"
        )

    def _encoded(self, healths: Sequence[ProviderHealth], epoch: float) -> list[pb.ProviderHealth]:
        # The monitor gives the very same as long as nothing happens.
        if healths is not self._last[0]:
            self._last = (healths, [provider_health(health, epoch) for health in healths])
        return self._last[1]

    def _known(self, names: Sequence[str]) -> frozenset[str]:
        """Raises ServiceFailure for a name that is not configured."""
        violations = tuple(
            FieldViolation(f"providers[{place}]", f"no provider is configured as {name!r}")
            for place, name in enumerate(names)
            if name not in self._monitor.providers
        )
        if violations:
            known = ", ".join(self._monitor.providers)
            message = f"{violations[0].field}: {violations[0].description}; known: {known}"
            raise ServiceFailure(ErrorReason.INVALID_REQUEST, message, violations=violations)
        return frozenset(names)

"""What operators ask: what the answer cache did, and that answers be void."""

from __future__ import annotations

import string
from typing import Any, Self

from aiprovider.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    analytics_service_pb2,
    analytics_service_pb2_grpc,
)

from aiprovider_client.connection import NOT_OPEN
from aiprovider_client.health import HealthCalls


class OperatorCalls(HealthCalls):
    _admin: Any = NOT_OPEN
    _analytics: Any = NOT_OPEN

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._admin = admin_service_pb2_grpc.AdminServiceStub(self._channel)
        self._analytics = analytics_service_pb2_grpc.AnalyticsServiceStub(self._channel)
        return self

    async def cache_stats(
        self, *, all_tenants: bool = False, timeout_s: float | None = None
    ) -> analytics_service_pb2.GetCacheStatsResponse:
        """What the answer cache did for the caller's tenant, on the replica that answers.

        `all_tenants` needs the permission `cache_admin`.
        """
        request = analytics_service_pb2.GetCacheStatsRequest(all_tenants=all_tenants)
        call = self._analytics.GetCacheStats(request, **self._options(timeout_s))
        return await self._answered(call)

    async def invalidate_cache(
        self,
        *,
        tenant: str | None = None,
        namespace: str | None = None,
        model: str | None = None,
        key: str | None = None,
        everything: bool = False,
        timeout_s: float | None = None,
    ) -> admin_service_pb2.InvalidateCacheResponse:
        """Makes answers void on every replica: those for which all that is given holds.

        The namespace "" is that of requests that name none. `key`, in hexadecimal, and
        `everything` stand alone. Needs the permission `cache_admin`. Raises ValueError if it does
        not say which answers, and SharedCacheError if other replicas could not be told yet.
        """
        request = invalidation(
            tenant=tenant, namespace=namespace, model=model, key=key, everything=everything
        )
        call = self._admin.InvalidateCache(request, **self._options(timeout_s))
        return await self._answered(call)


def invalidation(
    *,
    tenant: str | None = None,
    namespace: str | None = None,
    model: str | None = None,
    key: str | None = None,
    everything: bool = False,
) -> admin_service_pb2.InvalidateCacheRequest:
    """Raises ValueError where the selectors do not say, or say in two ways, what is meant."""
    named = {"tenant": tenant, "namespace": namespace, "model": model, "key": key}
    said = [name for name, value in named.items() if value is not None]
    if not said and not everything:
        raise ValueError("give a tenant, namespace, model or key; or everything, to make all void")
    if said and everything:
        raise ValueError(f"everything cannot stand beside {', '.join(said)}")
    if key is not None and said != ["key"]:
        raise ValueError("key names one answer: nothing else can stand beside it")
    for name in ("tenant", "model"):
        if named[name] == "":
            raise ValueError(f"{name} must not be empty")
    if key is not None and not (key and set(key) <= set(string.hexdigits)):
        raise ValueError(f"key must be hexadecimal digits, as an answer tells them, not {key!r}")
    return admin_service_pb2.InvalidateCacheRequest(**named, everything=everything)

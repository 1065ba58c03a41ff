"""Settings of the cache. Validated and kept; the cache that reads them is a later piece of work."""

from __future__ import annotations

from pydantic import Field

from service.config.values import RedisUrl, Section

_GIB = 1024 * 1024 * 1024


class CacheSettings(Section):
    """Where answers are remembered, and for how long."""

    enabled: bool = Field(default=True, description="Whether answers are remembered at all.")
    ttl_s: float = Field(
        default=300.0,
        alias="ttl",
        ge=0,
        le=604_800,
        description="How long a completion is remembered. Seconds.",
    )
    health_ttl_s: float = Field(
        default=30.0, ge=0, le=3600, description="How long a provider's health is. Seconds."
    )
    metrics_ttl_s: float = Field(
        default=60.0, ge=0, le=3600, description="How long provider statistics are. Seconds."
    )
    memory_entries_max: int = Field(
        default=10_000, ge=0, le=10_000_000, description="Entries kept in memory."
    )
    memory_bytes_max: int = Field(
        default=_GIB // 4,
        ge=0,
        le=64 * _GIB,
        description="Size of the entries kept in memory. Bytes.",
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        description="Redis shared by all replicas, such as `redis://host:6379/0`;"
        " without it each replica remembers for itself.",
    )

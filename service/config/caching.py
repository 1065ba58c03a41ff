"""Settings of the cache: which answers are kept, for how long, where, and which Redis is shared."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from service.config.values import AnyCase, Credential, Label, RedisUrl, Section, Text
from service.domain.cache_use import KeepPolicy

_MIB = 1024 * 1024
_GIB = 1024 * _MIB
_WEEK_S = 604_800

Policy = Annotated[KeepPolicy, AnyCase]
Node = Annotated[str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:.]+\]|[^\s:,/@]+):[0-9]{1,5}$")]
"""HOST:PORT."""


class RedisMode(Enum):
    """What `cache.redis_url` leads to."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class CacheRuleSettings(Section):
    """Which answers to some requests are kept: the first rule that holds decides."""

    models: tuple[Text, ...] = Field(
        default=(), description="Names or patterns that callers ask for; empty means all."
    )
    tenants: frozenset[Label] = Field(default=frozenset(), description="Tenants; empty means all.")
    policy: Policy | None = Field(default=None, description="Unset means `cache.policy`.")
    ttl_s: float | None = Field(
        default=None, ge=0, le=_WEEK_S, description="Unset means `cache.ttl_s`. Seconds."
    )
    keep_refusals: bool | None = Field(
        default=None, description="Unset means `cache.keep_refusals`."
    )


class CacheSettings(Section):
    """Which answers are kept, for how long, and where."""

    enabled: bool = Field(
        default=True,
        description="Whether answers are kept, and shared by equal calls in flight, at all.",
    )
    policy: Policy = Field(
        default=KeepPolicy.ALL,
        description="Which answers are kept: `all` that are complete; `deterministic`: to requests"
        " with temperature 0 or a seed; `opt_in`: to requests that name a cache mode; `off`: none.",
    )
    rules: tuple[CacheRuleSettings, ...] = Field(
        default=(), description="Exceptions, for some models or tenants."
    )
    ttl_s: float = Field(
        default=300.0,
        alias="ttl",
        ge=0,
        le=_WEEK_S,
        description="How long a completion is remembered. Seconds.",
    )
    ttl_max_s: float = Field(
        default=86_400.0,
        ge=0,
        le=_WEEK_S,
        description="A caller's longer wish is cut to this. Seconds.",
    )
    keep_refusals: bool = Field(
        default=False, description="Whether refusals and filtered answers are kept, too."
    )
    entry_bytes_max: int = Field(
        default=8 * _MIB, ge=0, le=_GIB, description="Larger answers are not kept. Bytes."
    )
    coalesce: bool = Field(
        default=True,
        description="Whether equal calls in flight share one call to the provider.",
    )
    coalesce_replicas: bool = Field(
        default=True,
        description="Whether they do across replicas, where `redis_url` is set.",
    )
    early_refresh: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="How eagerly an answer that is often asked for is asked anew shortly before it"
        " expires, so that nobody waits; 0 means never.",
    )
    failure_ttl_s: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="How long it is remembered that a request is one that no provider answers"
        " (too long, forbidden, malformed). Seconds.",
    )
    idempotency_ttl_s: float = Field(
        default=3600.0,
        ge=1,
        le=_WEEK_S,
        description="How long the answer to an idempotency key is remembered. Seconds.",
    )
    idempotency_bytes_max: int = Field(
        default=64 * _MIB,
        ge=0,
        le=64 * _GIB,
        description="The memory that answers to idempotency keys may take. Bytes.",
    )
    health_ttl_s: float = Field(
        default=30.0, ge=0, le=3600, description="How long a provider's health is. Seconds."
    )
    metrics_ttl_s: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="How long what a replica measured of a provider's latency counts before what"
        " others measured since, and is told to them. Seconds.",
    )
    memory_entries_max: int = Field(
        default=10_000, ge=0, le=10_000_000, description="Answers kept in memory."
    )
    memory_bytes_max: int = Field(
        default=_GIB // 4,
        ge=0,
        le=64 * _GIB,
        description="The memory that they may take. Bytes.",
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        description="Redis shared by all replicas, such as `redis://user:password@host:6379/0`,"
        " or `rediss://` for TLS; without it each replica remembers for itself."
        " Options follow in the query: `?ssl_ca_certs=/run/secrets/ca.pem`.",
    )
    redis_mode: Annotated[RedisMode, AnyCase] = Field(
        default=RedisMode.SINGLE,
        description="What `redis_url` leads to: `single`, `sentinel`, or a node of a `cluster`.",
    )
    redis_nodes: tuple[Node, ...] = Field(
        default=(), description="Further sentinels or nodes of the cluster, as HOST:PORT."
    )
    redis_master: str = Field(
        default="", description="The name by which sentinels know the master."
    )
    redis_sentinel_password: Credential | None = Field(
        default=None, description="The sentinels' own password, where they have one."
    )
    redis_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] = Field(
        default="aip",
        description="What the keys in Redis begin with. A change needs a restart.",
    )
    redis_wait_s: float = Field(
        default=0.005,
        gt=0,
        le=1,
        description="How long a request waits for Redis before it goes on without. Seconds.",
    )
    redis_timeout_s: float = Field(
        default=0.25,
        gt=0,
        le=10,
        description="How long Redis may take to connect, or to answer what nobody waits for."
        " Seconds.",
    )
    compress_bytes_min: int = Field(
        default=4096,
        ge=0,
        le=_GIB,
        description="Answers of at least this size are compressed in Redis. Bytes.",
    )
    cut_off_ttl_s: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="How long an answer in memory is taken while Redis cannot be reached:"
        " meanwhile nobody could say that it was made void. Seconds.",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.redis_mode is RedisMode.SENTINEL and not self.redis_master:
            raise ValueError("redis_mode sentinel needs redis_master, the name of the master")
        if self.redis_mode is not RedisMode.SINGLE and self.redis_url is None:
            raise ValueError(f"redis_mode {self.redis_mode.value} needs redis_url")
        return self

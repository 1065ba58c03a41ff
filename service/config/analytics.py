"""Settings of the ledger: where sums of calls are kept, for how long, and by which labels."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from service.config.values import AnyCase, RedisUrl, Section

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S

LabelKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


class StoreKind(Enum):
    """Where sums are kept."""

    SQLITE = "sqlite"
    REDIS = "redis"
    OFF = "off"


class AnalyticsSettings(Section):
    """What is remembered of calls: sums by tenant, provider, model and more, never a prompt."""

    store: Annotated[StoreKind, AnyCase] = Field(
        default=StoreKind.SQLITE,
        description="`sqlite`: a file of this machine; `redis`: shared by all replicas; `off`: none"
        " is kept, and nobody can ask about the past.",
    )
    file: Path | None = Field(
        default=None,
        description="The file of `sqlite`; its folder is made. Unset means `ledger.sqlite3` in"
        " `$STATE_DIRECTORY`, else in `ai-provider` under `$XDG_STATE_HOME` or `~/.local/state`.",
    )
    redis_url: RedisUrl | None = Field(
        default=None,
        description="The Redis of `redis`: a single server, which had better not evict. Unset means"
        " the one of `cache.redis_url`.",
    )
    flush_interval_s: float = Field(
        default=10.0,
        ge=0.1,
        le=300,
        description="How often sums are handed to the store: what a crash loses at most. Seconds.",
    )
    keep_minutes_s: float = Field(
        default=48 * _HOUR_S,
        ge=2 * _HOUR_S,
        le=31 * _DAY_S,
        description="How long sums by the minute are kept. Seconds.",
    )
    keep_hours_s: float = Field(
        default=90 * _DAY_S,
        ge=2 * _DAY_S,
        le=800 * _DAY_S,
        description="How long sums by the hour are kept. Seconds.",
    )
    keep_days_s: float = Field(
        default=1096 * _DAY_S,
        ge=7 * _DAY_S,
        le=7305 * _DAY_S,
        description="How long sums by the day are kept. Seconds.",
    )
    labels: frozenset[LabelKey] = Field(
        default=frozenset(),
        description="The keys of callers' labels by which sums are kept, such as `team`.",
    )
    values_max: int = Field(
        default=500,
        ge=10,
        le=100_000,
        description="So many tenants, models, values of a label and so on are told apart within an"
        " hour; further ones are summed up as `(other)`.",
    )
    keys_max: int = Field(
        default=20_000,
        ge=100,
        le=1_000_000,
        description="So many of all their combinations; further ones are told apart by tenant,"
        " provider, model and status alone.",
    )

    @model_validator(mode="after")
    def _longer_ones_longer(self) -> Self:
        if not self.keep_minutes_s <= self.keep_hours_s <= self.keep_days_s:
            raise ValueError("keep_minutes_s, keep_hours_s and keep_days_s must not get shorter")
        return self

"""Wishes about the answer cache in Python's words. Decides nothing: what is kept, and for how long
at most, is the service's choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from aiprovider.v1 import routing_pb2

from aiprovider_client.durations import duration_of

CacheMode = Literal["read_write", "off", "refresh", "read_only", "only_if_cached"]
CACHE_MODES: tuple[CacheMode, ...] = get_args(CacheMode)

NAMESPACE_MAX_CHARS = 128
IDEMPOTENCY_KEY_MAX_CHARS = 128

_Info = routing_pb2.CacheInfo
_CACHED = (_Info.STATUS_HIT_LOCAL, _Info.STATUS_HIT_SHARED, _Info.STATUS_REPEATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """Whether an answer may come from the cache, and go there: `Caching(max_age_s=60)`.

    What is left out is for the service to decide. A wish that cannot be meant raises ValueError.
    """

    mode: CacheMode | None = None
    """Which directions are open."""
    ttl_s: float | None = None
    """How long the new answer may be kept; 0 keeps nothing. The service may cut it."""
    max_age_s: float | None = None
    """Answers older than this are not taken."""
    namespace: str = ""
    """Separates answers of equal requests, within the tenant. At most 128 characters."""

    def __post_init__(self) -> None:
        if self.mode is not None and self.mode not in CACHE_MODES:
            raise ValueError(f"cache mode {self.mode!r} is none of {', '.join(CACHE_MODES)}")
        _require_short("namespace", self.namespace, NAMESPACE_MAX_CHARS)
        self.policy()

    def policy(self) -> routing_pb2.CachePolicy:
        """The same as a message of the contract."""
        policy = routing_pb2.CachePolicy(
            mode=f"MODE_{(self.mode or 'unspecified').upper()}", namespace=self.namespace
        )
        if self.ttl_s is not None:
            policy.ttl.FromTimedelta(duration_of("ttl_s", self.ttl_s))
        if self.max_age_s is not None:
            policy.max_age.FromTimedelta(duration_of("max_age_s", self.max_age_s))
        return policy


def cache_policy_of(
    cache: Caching | routing_pb2.CachePolicy | None,
) -> routing_pb2.CachePolicy | None:
    return cache.policy() if isinstance(cache, Caching) else cache


def idempotency_key_of(key: str) -> str:
    """The key itself. Raises ValueError if no service would take it."""
    _require_short("idempotency_key", key, IDEMPOTENCY_KEY_MAX_CHARS)
    return key


def is_cached(cache: routing_pb2.CacheInfo) -> bool:
    """Whether it was answered before. An equal call that was only joined was not."""
    return cache.status in _CACHED


def _require_short(name: str, text: str, max_chars: int) -> None:
    if len(text) > max_chars:
        raise ValueError(f"{name} must have at most {max_chars} characters, has {len(text)}")

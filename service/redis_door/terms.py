"""Where Redis is, and how to reach it. Pure values; what they show holds no password."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

TIMEOUT_S = 0.25
PORT = 6379
SENTINEL_PORT = 26379


class Mode(Enum):
    """What a URL leads to."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class RedisTerms:
    """Equal terms lead to the same Redis in the same way."""

    url: str = field(repr=False)
    """`redis://`, `rediss://` or `unix://`, with user and password, and options in its query."""
    mode: Mode = Mode.SINGLE
    nodes: tuple[str, ...] = ()
    """Further sentinels or nodes of the cluster, as HOST:PORT."""
    master: str = ""
    """The name by which sentinels know it."""
    sentinel_password: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S
    """For connecting, and for each answer."""

    @property
    def server(self) -> str:
        """What a log may tell: where it is, without who asks."""
        parts = urlsplit(self.url)
        return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of the URL and of `nodes`. Raises ValueError for what is no address."""
        usual = SENTINEL_PORT if self.mode is Mode.SENTINEL else PORT
        parts = [urlsplit(self.url), *(urlsplit(f"//{node}") for node in self.nodes)]
        return [(part.hostname or "localhost", part.port or usual) for part in parts]

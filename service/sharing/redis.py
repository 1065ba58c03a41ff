"""One hash in Redis: a field for each replica. The only door to Redis; it knows no routing.

Everything is bounded: how long a round trip takes, how many fields it brings, how often it tries
(once). What it raises may quote what was sent, a password too: log the kind of an error, never its
text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

KEY = "aip:view:1"
"""Its number is that of the shape of what is in it."""
FIELDS_MAX = 65
"""64 peers and oneself. With more, each round trip brings others."""
TTL_S = 120
SOCKET_TIMEOUT_S = 0.25
ROUND_TRIP_MAX_S = 1.0
"""With connecting and logging in."""
_OURS: Mapping[str, Any] = {
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": SOCKET_TIMEOUT_S,
    "retry": Retry(NoBackoff(), 0),
    "retry_on_timeout": False,
    "health_check_interval": 0,
    "protocol": 2,
    "decode_responses": False,
    "driver_info": None,
}


class SharedHash:
    """Connects when it is first asked, and again after a failure."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.server = parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]
        # Options in the URL would win over ours, which are promises to the request path.
        options = [(name, value) for name, value in parse_qsl(parts.query) if name not in _OURS]
        asked = urlunsplit(parts._replace(query=urlencode(options)))
        self._redis = Redis.from_pool(ConnectionPool.from_url(asked, **_OURS))

    def __repr__(self) -> str:
        return f"<SharedHash {KEY} at {self.server}>"

    async def exchange(
        self, field: bytes, value: bytes, removed: Sequence[bytes] = ()
    ) -> Mapping[bytes, bytes]:
        """Sets a field, removes others, and gives what is there then: all, or `FIELDS_MAX` of them.

        One round trip. Raises whatever the library makes of a server that fails.
        """
        async with (
            asyncio.timeout(ROUND_TRIP_MAX_S),
            self._redis.pipeline(transaction=False) as pipe,
        ):
            pipe.hset(KEY, mapping={field: value})
            if removed:
                pipe.hdel(KEY, *removed)
            # Not HGETALL: nobody says how many fields there are.
            pipe.hrandfield(KEY, FIELDS_MAX, withvalues=True)
            pipe.expire(KEY, TTL_S)
            told: list[bytes] = (await pipe.execute())[-2]
        return dict(zip(told[::2], told[1::2], strict=True))

    async def remove(self, field: bytes) -> None:
        async with asyncio.timeout(ROUND_TRIP_MAX_S):
            await self._redis.hdel(KEY, field)

    async def aclose(self) -> None:
        await self._redis.aclose()

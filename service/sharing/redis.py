"""One hash in Redis: a field for each replica. It knows no routing.

Everything is bounded: how long a round trip takes, how many fields it brings, how often it tries
(once). What it raises may quote what was sent, a password too: log the kind of an error, never its
text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from service.redis_door import RedisTerms, connect

KEY = "aip:view:1"
"""Its number is that of the shape of what is in it."""
FIELDS_MAX = 65
"""64 peers and oneself. With more, each round trip brings others."""
TTL_S = 120
ROUND_TRIP_MAX_S = 1.0
"""With connecting and logging in."""


class SharedHash:
    """Connects when it is first asked, and again after a failure.

    Raises ValueError, which quotes no password, for terms that contradict themselves.
    """

    def __init__(self, terms: RedisTerms) -> None:
        self.server = terms.server
        self._redis = connect(terms)

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

"""A line to one server: some commands there, as many replies back, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.connection import RedisSSLContext
from redis.asyncio.sentinel import MasterNotFoundError, SentinelConnectionPool
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import ResponseError

from service.redis_door.faults import UnreachableError

Words: TypeAlias = tuple[bytes | str | int | float, ...]
"""A command, such as `("GET", b"key")`."""
CONNECTING_MAX = 4
"""A connection, a handshake, a password, a database: each has the time of an answer."""


def _nothing() -> None: ...


class Line:
    """Round trips may overlap: each has a connection to itself, which the next one takes over.

    `redis` must have no time limits of its own but that for connecting: the library would start a
    task for each.
    """

    def __init__(self, redis: Redis, timeout_s: float, host: str = "") -> None:
        self.host = host
        self._pool = redis.connection_pool
        self._tls: RedisSSLContext | None = redis.connection_pool.connection_kwargs.get("tls")
        self._redis = redis
        self._timeout_s = timeout_s
        self._is_closed = False

    async def exchange(
        self, commands: Sequence[Words], sent: Callable[[], None] = _nothing
    ) -> list[Any]:
        """The raw replies, in order; an error reply is there in place of a reply, not raised.

        Once it is closed nobody is reached: the pool would open a connection that nobody closes.

        `sent` is called between writing and reading: what passes before is not the server's time.
        Raises UnreachableError, TimeoutError, and what the library makes of a server that breaks
        off or is no Redis.
        """
        if self._is_closed:
            raise UnreachableError
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECTING_MAX * self._timeout_s) as limit:
            connection = await self._connection()
            try:
                limit.reschedule(loop.time() + self._timeout_s)
                await connection.send_packed_command(connection.pack_commands(commands))
                sent()
                return [await _reply(connection) for _ in commands]
            finally:
                await self._pool.release(connection)

    async def _connection(self) -> Any:
        if self._tls is not None and self._tls.context is None:
            # It reads files, and takes as long as others may not wait for the loop.
            await self._read(self._tls)
        try:
            return await self._pool.get_connection()
        except LostError as error:
            # What is more special, such as a wrong password, was said by a server.
            if type(error) in (LostError, MasterNotFoundError):
                raise UnreachableError from error
            raise

    async def _read(self, tls: RedisSSLContext) -> None:
        try:
            await asyncio.to_thread(tls.get)
        except OSError as error:
            raise UnreachableError from error

    async def follow_master(self) -> bool:
        """Asks the sentinels, if there are any; True when they name another master than before.

        Then no connection to the old one is used again. Raises what the library does when no
        sentinel knows.
        """
        pool = self._pool
        if not isinstance(pool, SentinelConnectionPool):
            return False
        before = pool.master_address
        if await pool.get_master_address() == before or before is None:
            return False
        await pool.update_active_connections_for_reconnect()
        return True

    async def aclose(self) -> None:
        """No round trip may be under way."""
        self._is_closed = True
        await self._redis.aclose()


async def _reply(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error

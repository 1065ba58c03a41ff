"""One TLS context for all connections of a client: to make one takes tens of milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import RedisSSLContext, SSLConnection
from redis.asyncio.sentinel import SentinelManagedSSLConnection
from redis.exceptions import RedisError


class TlsConnection(SSLConnection):
    """The library would make a context for each connection, and hold up the loop meanwhile."""

    def __init__(self, *, tls: RedisSSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = tls


class MasterTlsConnection(SentinelManagedSSLConnection):
    """The same, to whom sentinels name."""

    def __init__(self, *, tls: RedisSSLContext, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = tls


def with_shared_tls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of connections that share a context, if they are to speak TLS. Reads no file yet.

    Raises ValueError, which names options and never their values.
    """
    ssl = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if options.get("connection_class") is not SSLConnection:
        if ssl:
            raise ValueError("options in the URL of Redis that need rediss: " + ", ".join(ssl))
        return dict(options)
    rest = {name: value for name, value in options.items() if name not in ssl}
    try:
        tls = SSLConnection(**ssl).ssl_context
    except (RedisError, TypeError):
        names = ", ".join(sorted(ssl))
        raise ValueError(f"options in the URL of Redis that mean nothing: {names}") from None
    return {**rest, "connection_class": TlsConnection, "tls": tls}

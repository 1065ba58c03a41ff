"""What a connection is made with: our bounds, and what the URL may add to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service.redis_door.terms import RedisTerms

CONNECTIONS_MAX = 32
"""For each server. Whoever asks more at once gets an error, not a queue."""
_HEEDED = frozenset({"db", "client_name", "username", "password", "socket_keepalive"})
_HEEDED_PREFIX = "ssl_"


def once() -> Retry:
    """The library would try again, for seconds."""
    return Retry(NoBackoff(), 0)


def bounds(terms: RedisTerms) -> dict[str, Any]:
    """What holds for every connection, whatever the URL says."""
    return {
        "socket_timeout": terms.timeout_s,
        "socket_connect_timeout": terms.timeout_s,
        "retry": once(),
        "health_check_interval": 0,
        "protocol": 2,
        "decode_responses": False,
        # To tell its own name would cost the library two round trips.
        "driver_info": None,
    }


def url_options(terms: RedisTerms) -> Mapping[str, Any]:
    """Address, user, TLS and database as the library names them.

    Options that would loosen our bounds are passed over, as the library itself has them win.
    Raises ValueError, which names options and never their values.
    """
    ours = {*bounds(terms), "retry_on_timeout", "retry_on_error", "encoding", "legacy_responses"}
    parts = urlsplit(terms.url)
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name not in ours]
    unknown = sorted(
        name for name, _ in asked if name not in _HEEDED and not name.startswith(_HEEDED_PREFIX)
    )
    if unknown:
        raise ValueError(f"unknown options in the URL of Redis: {', '.join(unknown)}")
    return dict(parse_url(urlunsplit(parts._replace(query=urlencode(asked)))))

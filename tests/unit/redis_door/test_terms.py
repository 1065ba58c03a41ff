"""What leads to a Redis, and what of it may be told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from redis.asyncio import Redis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
)

from service.redis_door import (
    Fault,
    Mode,
    RedisTerms,
    UnreachableError,
    connect,
    fault,
    kind,
    line,
    node_line,
    slot_of,
)

TERMS = RedisTerms(
    "rediss://me:hidden-1@[::1]:7000/3?ssl_ca_certs=/ca.pem",
    Mode.SENTINEL,
    ("h2:26380",),
    "main",
    "hidden-2",
)


def test_what_is_shown() -> None:
    """Neither terms nor clients show a password; a server is shown without who asks it."""
    shown = repr(TERMS) + repr(connect(TERMS)) + TERMS.server

    assert "hidden" not in shown
    assert "[::1]:7000" == TERMS.server
    assert "/run/redis.sock" == RedisTerms("unix://me:hidden-3@/run/redis.sock?db=1").server


def test_addresses() -> None:
    """The URL comes first; a port that is left out is the usual one of who is meant."""
    assert [("::1", 7000), ("h2", 26380)] == TERMS.addresses
    assert [("h", 26379)] == RedisTerms("redis://h", Mode.SENTINEL, (), "m").addresses
    assert [("h", 6379), ("::2", 1)] == RedisTerms(
        "redis://h", Mode.CLUSTER, ("[::2]:1",)
    ).addresses


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (RedisTerms("redis://h?retries=hidden"), "unknown options .*: retries"),
        (RedisTerms("redis://h?max_connections=hidden"), "unknown options .*: max_connections"),
        (RedisTerms("redis://h?db=hidden"), "db"),
        (RedisTerms("rediss://h?ssl_min_version=hidden"), "ssl_min_version"),
        (RedisTerms("redis://h?ssl_ca_certs=hidden"), "ssl_ca_certs"),
        (RedisTerms("rediss://h?ssl_cert_reqs=hidden"), "ssl_cert_reqs"),
        (RedisTerms("rediss://h?ssl_no_such=hidden"), "ssl_no_such"),
        (RedisTerms("unix:///s", Mode.CLUSTER), "unix socket"),
        (RedisTerms("unix:///s", Mode.SENTINEL, (), "m"), "unix socket"),
        (RedisTerms("redis://h/1", Mode.CLUSTER), "no database but 0"),
    ],
)
async def test_terms_that_contradict_themselves(terms: RedisTerms, why: str) -> None:
    """They are refused before anything is connected, and no value is quoted."""
    with pytest.raises(ValueError, match=why) as caught:
        connect(terms)

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_url_cannot_loosen_what_is_promised(mode: Mode) -> None:
    """Time limits, one try and raw replies hold whatever the URL says."""
    url = (
        "redis://h?socket_timeout=60&socket_connect_timeout=60&retry_on_timeout=yes&protocol=3"
        "&decode_responses=yes&health_check_interval=5&retry_on_error=x&client_name=mine"
    )
    terms = replace(TERMS, url=url, mode=mode, timeout_s=0.1)
    client = connect(terms)
    own = client.get_connection_kwargs()

    assert (0.1, 0.1) == (own["socket_timeout"], own["socket_connect_timeout"])
    assert 0 == own["health_check_interval"]
    assert "mine" == own["client_name"]
    assert own["decode_responses"] is False
    assert 2 == own["protocol"]
    retry = client.get_retry() if isinstance(client, Redis) else client.retry
    assert retry is not None
    assert 0 == retry.get_retries()


@pytest.mark.parametrize("mode", [Mode.SINGLE, Mode.SENTINEL])
async def test_connections_share_a_context(mode: Mode) -> None:
    """All connections over TLS have one context: to make it takes tens of milliseconds."""
    client = connect(replace(TERMS, mode=mode))
    assert isinstance(client, Redis)
    first, second = [client.connection_pool.make_connection() for _ in range(2)]

    assert first.ssl_context is second.ssl_context
    assert "/ca.pem" == first.ssl_context.ca_certs


def test_lines_to_each() -> None:
    """A line can be had to a single server, to a master, and to a node of a cluster."""
    assert "h" == node_line(RedisTerms("redis://x", Mode.CLUSTER), "h", 1).host
    assert line(TERMS) is not None
    with pytest.raises(ValueError, match="unix socket"):
        node_line(RedisTerms("unix:///s", Mode.CLUSTER), "h", 1)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OutOfMemoryError(), Fault.REFUSED_COMMAND),
        (ReadOnlyError(), Fault.REFUSED_COMMAND),
        (MovedError("1 h:1"), Fault.MOVED),
        (ClusterDownError("down"), Fault.LOST),
        (BusyLoadingError(), Fault.LOST),
        (AuthenticationError(), Fault.LOST),
        (TimeoutError(), Fault.LOST),
        (ValueError(), Fault.LOST),
        (UnreachableError(), Fault.UNREACHABLE),
    ],
)
def test_what_an_error_means(error: Exception, what: Fault) -> None:
    """An error is a refusal, another address, a loss, or nobody there."""
    assert what is fault(error)


def test_the_kind_of_an_error() -> None:
    """It is the name of what the library raised, even where we raise something else."""
    wrapped = UnreachableError()
    wrapped.__cause__ = ConnectionRefusedError("hidden")

    assert "ConnectionRefusedError" == kind(wrapped)
    assert "OutOfMemoryError" == kind(OutOfMemoryError("hidden"))


def test_tags_decide_the_slot() -> None:
    """As `CLUSTER KEYSLOT` has it: keys with the same tag are at the same node."""
    assert 12182 == slot_of(b"foo")
    assert slot_of(b"{foo}") == slot_of(b"a:{foo}:b")

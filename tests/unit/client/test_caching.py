"""Wishes about the answer cache become the contract's message, or are refused before the call."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiprovider.v1 import admin_service_pb2, routing_pb2
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider_client import Answer, Caching, Client
from aiprovider_client.caching import CACHE_MODES
from aiprovider_client.operations import invalidation
from google.protobuf import duration_pb2

Info = routing_pb2.CacheInfo
HEXADECIMAL = "0123456789abcdefABCDEF"


@pytest_asyncio.fixture
async def nowhere() -> AsyncGenerator[Client, None]:
    """A client of nobody: what reaches the wire fails otherwise than with ValueError."""
    async with Client("127.0.0.1:1", timeout_s=0.01) as client:
        yield client


def test_every_mode_has_its_name() -> None:
    """The contract's modes and the client's are the same."""
    names = [
        name.removeprefix("MODE_").lower()
        for name in routing_pb2.CachePolicy.Mode.keys()  # noqa: SIM118 - no dict
    ]

    assert ["unspecified", *CACHE_MODES] == names


def test_no_wish() -> None:
    """What is left out is left out of the message; a time of 0 is not."""
    assert routing_pb2.CachePolicy() == Caching().policy()
    assert Caching(ttl_s=0).policy().HasField("ttl")
    assert Caching(max_age_s=0).policy().HasField("max_age")


def test_every_wish() -> None:
    """Every wish has its field, and seconds become durations."""
    caching = Caching(mode="read_only", ttl_s=1.5, max_age_s=60, namespace="n" * 128)

    expected = routing_pb2.CachePolicy(
        mode=routing_pb2.CachePolicy.MODE_READ_ONLY,
        ttl=duration_pb2.Duration(seconds=1, nanos=500_000_000),
        max_age=duration_pb2.Duration(seconds=60),
        namespace="n" * 128,
    )
    assert expected == caching.policy()
    assert {field.name for field in expected.DESCRIPTOR.fields} == {
        field.name for field, _ in expected.ListFields()
    }


@pytest.mark.parametrize(
    ("wishes", "name"),
    [
        ({"mode": "always"}, "always"),
        ({"mode": "unspecified"}, "unspecified"),
        ({"ttl_s": -0.001}, "ttl_s"),
        ({"ttl_s": math.inf}, "ttl_s"),
        ({"ttl_s": 1e13}, "ttl_s"),
        ({"max_age_s": math.nan}, "max_age_s"),
        ({"namespace": "n" * 129}, "namespace .* at most 128"),
    ],
)
def test_what_cannot_be_meant(wishes: Mapping[str, Any], name: str) -> None:
    """A wish that the contract does not hold is refused where it is made, by its name."""
    with pytest.raises(ValueError, match=name):
        Caching(**wishes)


@pytest.mark.parametrize("interval_s", [-0.1, 1.001, math.nan])
async def test_a_pause_out_of_range(nowhere: Client, interval_s: float) -> None:
    """A pause between deltas that no service would take is refused before the call."""
    with pytest.raises(ValueError, match="replay_interval_s"):
        nowhere.stream("m", "Hi.", replay_interval_s=interval_s)


async def test_a_long_idempotency_key(nowhere: Client) -> None:
    """A key that no service would take is refused before the call."""
    with pytest.raises(ValueError, match="idempotency_key must have at most 128 characters"):
        await nowhere.complete("m", "Hi.", idempotency_key="k" * 129)
    with pytest.raises(ValueError, match="idempotency_key must have at most 128 characters"):
        nowhere.stream("m", "Hi.", idempotency_key="k" * 129)


@pytest.mark.parametrize(
    ("selectors", "told"),
    [
        ({}, "or everything"),
        ({"everything": False}, "or everything"),
        ({"everything": True, "model": "m"}, "beside model"),
        ({"everything": True, "namespace": ""}, "beside namespace"),
        ({"key": "c0ffee", "tenant": "acme"}, "nothing else"),
        ({"key": ""}, "hexadecimal"),
        ({"key": "client.pem"}, "hexadecimal"),
        ({"tenant": ""}, "tenant must not be empty"),
        ({"model": ""}, "model must not be empty"),
    ],
)
async def test_not_saying_which(nowhere: Client, selectors: Mapping[str, Any], told: str) -> None:
    """What does not say, or says in two ways, which answers are void is refused before the call."""
    with pytest.raises(ValueError, match=told):
        await nowhere.invalidate_cache(**selectors)


@pytest.mark.parametrize(
    "selectors",
    [
        {"everything": True},
        {"namespace": ""},
        {"tenant": "acme", "namespace": "n", "model": "m"},
        {"key": HEXADECIMAL},
    ],
)
def test_saying_which(selectors: Mapping[str, Any]) -> None:
    """What was given is set, and nothing else; the empty namespace is one."""
    expected = admin_service_pb2.InvalidateCacheRequest(**selectors)

    assert expected == invalidation(**selectors)
    assert set(selectors) == {field.name for field, _ in expected.ListFields()}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Info.STATUS_UNSPECIFIED, False),
        (Info.STATUS_MISS, False),
        (Info.STATUS_HIT_LOCAL, True),
        (Info.STATUS_HIT_SHARED, True),
        (Info.STATUS_COALESCED, False),
        (Info.STATUS_BYPASSED, False),
        (Info.STATUS_REFRESHED, False),
        (Info.STATUS_REPEATED, True),
    ],
)
def test_cached(status: Any, expected: bool) -> None:
    """An answer is cached if it was there before the request came."""
    answer = Answer(pb.CompleteResponse(cache=Info(status=status, key="c0ffee")))

    assert expected == answer.cached
    assert "c0ffee" == answer.cache.key

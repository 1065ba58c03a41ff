"""A server with a real ledger in a file, two tenants and an operator, and ways to ask it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import analytics_service_pb2 as pb

from service.domain.cache_use import CacheConduct
from service.domain.errors import ProviderFailure
from service.domain.permission import Permission
from service.domain.pricing import Price
from service.domain.provider import Defaults, Offer, ServedModel
from service.domain.reasons import ErrorReason
from service.domain.rollup_plan import Retention
from service.ledger.book import Book, BookTerms
from service.ledger.recorder import Recorder
from service.ledger.sqlite import SqliteStore
from service.pipeline.roster import Member, TimeLimits
from service.rpc.call import Identity
from service.rpc.interceptors.identity import Directory
from tests.kit.scripted import HELLO, ScriptedProvider
from tests.kit.serving import Served, serving

CHEAP = Price(input=1_000_000, output=5_000_000)
"""1 nano-USD for an input token, 5 for an output token."""
DEAR = Price(input=7_000_000, output=20_000_000)
DOWN = (ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=503),)
LABELS = ("team",)


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


DIRECTORY = Directory(
    {
        _key("acme"): Identity("a", "acme"),
        _key("globex"): Identity("g", "globex"),
        _key("ops"): Identity("o", "ops", frozenset({Permission.ANALYTICS_ALL})),
    }
)


def by(name: str) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {name}"),)}


def serves(
    name: str, priority: int, price: Price | None, *models: str, down: bool = False
) -> Member:
    """A provider that answers with 3 tokens for 2, or never."""
    served = tuple(ServedModel(model, price=price) for model in models)
    limits = TimeLimits(attempt_s=30.0, first_token_s=30.0, idle_s=30.0)
    provider = ScriptedProvider(*(DOWN if down else HELLO))
    return Member(provider, Offer(name, priority, served), limits, Defaults(0.7, 4000))


@asynccontextmanager
async def analysed(folder: Path, *members: Member) -> AsyncGenerator[tuple[Served, Recorder], None]:
    """The recorder may be told further records. The store is closed at the end."""
    recorder = Recorder(LABELS)
    terms = BookTerms(labels=frozenset(LABELS))
    book = Book(recorder, terms=terms)
    store = SqliteStore(folder / "ledger.sqlite", Retention())
    await book.adopt(store)
    conduct = CacheConduct(early_refresh=0.0)
    try:
        async with serving(
            *members, directory=DIRECTORY, conduct=conduct, ledger=book, sinks=(recorder,)
        ) as served:
            yield served, recorder
    finally:
        await book.aclose()


async def failure_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def costs(**query: Any) -> pb.QueryCostsRequest:
    return pb.QueryCostsRequest(query=pb.AnalyticsQuery(**query))


def errors(**query: Any) -> pb.QueryErrorsRequest:
    return pb.QueryErrorsRequest(query=pb.AnalyticsQuery(**query))


def performance(**query: Any) -> pb.QueryPerformanceRequest:
    return pb.QueryPerformanceRequest(query=pb.AnalyticsQuery(**query))

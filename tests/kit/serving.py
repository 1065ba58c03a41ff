"""A real grpc.aio server around given providers, and the stubs to call it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import grpc.aio
from aiprovider.v1 import (
    admin_service_pb2_grpc,
    analytics_service_pb2_grpc,
    completion_service_pb2,
    completion_service_pb2_grpc,
    content_pb2,
    error_details_pb2,
    health_service_pb2_grpc,
    model_service_pb2_grpc,
)
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rpc_details
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2_grpc

from service.alerts.known import Known
from service.alerts.notice import Origin
from service.domain.cache_use import CacheConduct
from service.domain.call_record import Record
from service.domain.candidate import Names
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, Rule
from service.health.checks import Check
from service.health.monitor import Monitor, Terms
from service.ledger.book import Book
from service.ledger.recorder import Recorder
from service.pipeline.admission import Admission
from service.pipeline.completion import CompletionPipeline
from service.pipeline.course import Course
from service.pipeline.planner import Planner
from service.pipeline.retries import Retries
from service.pipeline.roster import Member, Roster
from service.pipeline.router import Router
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from service.pipeline.vitals import Vitals
from service.ports import Ledger
from service.rpc.call import Identity
from service.rpc.interceptors.guard import Deadlines, Guard
from service.rpc.interceptors.identity import Directory
from service.rpc.servicers.admin import AdminServicer
from service.rpc.servicers.analytics import AnalyticsServicer, AnalyticsSources
from service.rpc.servicers.completion import CompletionServicer
from service.rpc.servicers.health import HealthServicer
from service.rpc.servicers.model import ModelServicer
from service.server import Listen, Server, Servicers
from service.telemetry.access_log import AccessLog
from service.telemetry.journal import Sink
from service.telemetry.live import Live
from service.telemetry.redaction import Redactor
from tests.kit.caching import NO_CACHE, CachingParts

ANONYMOUS = Directory(anonymous=Identity("anonymous", "anonymous"))
BY_PRIORITY = Bounds(POLICIES[PolicyName.PRIORITY])
"""Where the order must be known."""
Status = grpc.StatusCode


@dataclass
class Served:
    """A running server: its stubs (the generated ones), its parts, its access lines."""

    server: Server
    admission: Admission
    router: Router
    guard: Guard
    channel: grpc.aio.Channel
    monitor: Monitor
    pipeline: CompletionPipeline
    caching: CachingParts
    lines: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    def __post_init__(self) -> None:
        channel: Any = self.channel
        self.completion: Any = completion_service_pb2_grpc.CompletionServiceStub(channel)
        self.model: Any = model_service_pb2_grpc.ModelServiceStub(channel)
        self.analytics: Any = analytics_service_pb2_grpc.AnalyticsServiceStub(channel)
        self.admin: Any = admin_service_pb2_grpc.AdminServiceStub(channel)
        self.providers_health: Any = health_service_pb2_grpc.HealthServiceStub(channel)
        self.health: Any = health_pb2_grpc.HealthStub(channel)


@asynccontextmanager
async def serving(
    *members: Member,
    directory: Directory = ANONYMOUS,
    deadlines: Deadlines = Deadlines(10.0, 60.0),
    listen: Listen = Listen("127.0.0.1", 0, settle_s=0.0, grace_s=5.0),
    attempts_max: int = 3,
    in_flight_max: int = 100,
    waiting_max: int = 100,
    names: Names = Names(),
    rules: Sequence[Rule] = (),
    bounds: Bounds = BY_PRIORITY,
    secrets: Sequence[str] = (),
    terms: Terms = Terms(),
    clock: Callable[[], float] = time.monotonic,
    conduct: CacheConduct = NO_CACHE,
    cache_clock: Callable[[], float] = time.time,
    ledger: Ledger | None = None,
    sinks: Sequence[Sink] = (),
) -> AsyncGenerator[Served, None]:
    """Ends with the server stopped and the channel closed. `clock` is routing's and health's.

    `sinks` are told every record at once. Without a `ledger` nothing is kept of them.
    """
    lines: list[Mapping[str, Any]] = []
    admission = Admission(in_flight_max)
    board = Scoreboard(clock, Random(1))
    turns = Turns(board, waiting_max)
    live = Live(time.time())
    journal = _Journal(AccessLog(lines.append), live, *sinks)
    course = Course(board, turns, Retries(board.clock), attempt_min_s=0.005, journal=journal)
    roster = Roster(members, attempts_max=attempts_max, names=names, rules=rules, bounds=bounds)
    router = Router(roster, Planner(board), course)
    caching = CachingParts(router, clock=cache_clock)
    caching.answers.conduct = conduct
    pipeline = CompletionPipeline(
        admission, router, caching.answers, caching.fetcher, caching.relay
    )
    monitor = Monitor(Vitals(board).read, clock)
    monitor.adopt(checks_of(members), terms)
    board.changed.append(monitor.circuit_changed)
    analytics = AnalyticsServicer(
        AnalyticsSources(
            ledger or Book(Recorder()),
            live,
            monitor,
            lambda: admission.in_flight_count,
            caching.report,
            lambda: NO_ALERTS,
        )
    )
    guard = Guard(directory, deadlines, Redactor(secrets), journal)
    servicers = Servicers(
        CompletionServicer(pipeline),
        ModelServicer(pipeline, lambda _providers: []),
        HealthServicer(monitor),
        analytics,
        AdminServicer(caching),
    )

    def close_doors() -> None:
        admission.close()
        monitor.drain()
        analytics.drain()

    server = Server(listen, servicers, guard, close_doors)
    await server.start()
    server.health.set_ready(ready=True)
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", _CLIENT_OPTIONS)
    try:
        yield Served(server, admission, router, guard, channel, monitor, pipeline, caching, lines)
    finally:
        pipeline.close()
        await channel.close(None)
        await server.stop()
        monitor.close()


class _Journal:
    """Tells every sink at once, so that no test has to wait for a thread."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def put(self, record: Record) -> None:
        for sink in self._sinks:
            sink((record,))


def checks_of(members: Sequence[Member]) -> Mapping[str, Mapping[str, Check]]:
    """The checks of their providers, as the composition root hands them out."""
    checks: dict[str, dict[str, Check]] = {}
    for one in members:
        checks.setdefault(one.offer.provider, {})[one.offer.deployment] = one.provider.check
    return checks


NO_ALERTS = Known((), Origin("ai-provider", "test", "here", "now"), 0, None)
_CLIENT_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.enable_retries", 0),
)


def spec(
    text: str = "Hi", model: str = "m", **fields: Any
) -> completion_service_pb2.CompletionSpec:
    message = content_pb2.Message(role=content_pb2.ROLE_USER, parts=[content_pb2.Part(text=text)])
    return completion_service_pb2.CompletionSpec(model=model, messages=[message], **fields)


def unary(text: str = "Hi", model: str = "m", **fields: Any) -> Any:
    return completion_service_pb2.CompleteRequest(spec=spec(text, model), **fields)


def streaming(text: str = "Hi", model: str = "m", **fields: Any) -> Any:
    return completion_service_pb2.StreamCompleteRequest(spec=spec(text, model), **fields)


@dataclass(frozen=True)
class Details:
    """The google.rpc details of a failed call; an absent one is an empty message."""

    error: rpc_details.ErrorInfo
    request: rpc_details.RequestInfo
    bad: rpc_details.BadRequest
    retry: rpc_details.RetryInfo
    quota: rpc_details.QuotaFailure
    failure: error_details_pb2.FailureDetail
    trailers: Mapping[str, Any]


def details(error: grpc.aio.AioRpcError) -> Details:
    trailers: dict[str, Any] = dict(cast("Any", error.trailing_metadata()) or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))

    def unpacked(message: Any) -> Any:
        for packed in status.details:
            if packed.Is(message.DESCRIPTOR):
                packed.Unpack(message)
        return message

    wanted: list[Message] = [
        rpc_details.ErrorInfo(),
        rpc_details.RequestInfo(),
        rpc_details.BadRequest(),
        rpc_details.RetryInfo(),
        rpc_details.QuotaFailure(),
        error_details_pb2.FailureDetail(),
    ]
    return Details(*(unpacked(message) for message in wanted), trailers=trailers)

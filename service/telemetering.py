"""The part of the composition root that tells collectors of calls. OpenTelemetry is imported here,
and only where it is wanted.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from service.config import ContentExport, Settings, TelemetrySettings
from service.config.providers import Kind
from service.domain import breaker
from service.domain.breaker import Circuit
from service.domain.cache_stats import CacheReport
from service.domain.span_context import Sampling
from service.pipeline.scoreboard import Scoreboard
from service.telemetry import catalogue as of
from service.telemetry.catalogue import Metric
from service.telemetry.content import ContentPolicy, Hook
from service.telemetry.logs import LogWriter
from service.telemetry.redaction import Redactor
from service.telemetry.tallies import Values
from service.telemetry.terms import OtelVariables, Signal, TelemetryTerms

if TYPE_CHECKING:
    from service.telemetry.journal import Sink
    from service.telemetry.otel.signals import Signals

Points = Iterable[tuple[Values, float]]
_CIRCUITS = {Circuit.CLOSED: 0.0, Circuit.HALF_OPEN: 1.0, Circuit.OPEN: 2.0}
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read at each export, on an exporter's thread."""

    cache: Callable[[], CacheReport]
    board: Scoreboard
    in_flight: Callable[[], int]
    waiting: Callable[[], int]
    loop_lag_s: Callable[[], float]
    dropped: Mapping[str, Callable[[], int]]
    """By the name of the queue: how many records found it full."""
    alerts: Callable[[], Points]
    """By rule, severity and subject: 1 for each alert that fires."""


class Telemetering:
    """`start`, and `aclose` once the journal has handed out what was left.

    What the settings say of telemetry counts as it was at first, so that no reload lets texts out
    past a hook that is not there.
    """

    def __init__(
        self, settings: Settings, redactor: Redactor, log_writer: LogWriter | None
    ) -> None:
        self._settings = settings
        self._telemetry = settings.telemetry
        self._redactor = redactor
        self._terms = _terms(settings)
        self._variables = OtelVariables(os.environ)
        self._log_writer = log_writer
        self.signals: Signals | None = None
        redactor.learn(self._variables.secrets)

    def __repr__(self) -> str:
        return f"<Telemetering {self.signals or 'off'}>"

    @property
    def page_address(self) -> str | None:
        """Where Prometheus' page is; None where there is none."""
        page = None if self.signals is None else self.signals.page
        return None if page is None else page.address

    @property
    def keeps_content(self) -> bool:
        """Whether attempts remember prompts and answers."""
        on = self._telemetry.content is ContentExport.ON
        return on and self._variables.sends(Signal.TRACES, self._terms)

    @property
    def sampling(self) -> Sampling | None:
        """Which calls are traced; None where nobody is told, neither collector nor provider.

        Raises ValueError for what a variable says and nobody understands.
        """
        if self._variables.sends(Signal.TRACES, self._terms):
            return self._variables.sampling(self._terms)
        providers = self._settings.active_providers.values()
        return Sampling(0.0) if any(one.send_trace_context for one in providers) else None

    def start(self, sources: Sources) -> tuple[Sink, ...]:
        """Opens what is wanted; gives the sinks that the journal must fill.

        Raises ValueError for what a variable or the hook says and nobody understands, and OSError
        where Prometheus' page cannot be served.
        """
        self._variables.check(self._terms)
        if not self._is_wanted():
            return ()
        # A quarter of a second, which nobody pays who wants no telemetry.
        from service.telemetry.otel.signals import Signals  # noqa: PLC0415 - as said above

        _ = self.sampling  # A mistake in it is told before anything is opened.
        content = ContentPolicy(self._redactor, _hook(self._telemetry))
        signals = self.signals = Signals(self._terms, _kinds(self._settings), content)
        dropped = {**sources.dropped, **signals.dropped}
        signals.observe(_readings(replace(sources, dropped=dropped)))
        if self._log_writer is not None and signals.tells_lines:
            self._log_writer.also = signals.line
        return (signals,)

    def adopt(self, settings: Settings) -> None:
        """Takes over what there is of providers; all else needs a restart."""
        self._settings = settings
        if self.signals is not None:
            self.signals.measuring.kinds = _kinds(settings)

    async def aclose(self) -> None:
        """Sends what is left, for no longer than the configuration allows."""
        signals, self.signals = self.signals, None
        if signals is None:
            return
        if self._log_writer is not None:
            await asyncio.to_thread(self._log_writer.flush)
            self._log_writer.also = None
        within_s = self._telemetry.flush_s
        if not await asyncio.to_thread(signals.close, within_s):
            _log.warning("telemetry was not all sent before the end", flush_s=within_s)

    def _is_wanted(self) -> bool:
        variables, terms = self._variables, self._terms
        return variables.serves_prometheus(terms) or any(
            variables.sends(signal, terms) for signal in Signal
        )


def _terms(settings: Settings) -> TelemetryTerms:
    service, telemetry = settings.service, settings.telemetry
    page = telemetry.prometheus
    return TelemetryTerms(
        service.name,
        service.version,
        service.environment,
        telemetry.endpoint or "",
        telemetry.protocol.value,
        telemetry.logs,
        telemetry.traces.sample,
        telemetry.traces.slow_s,
        telemetry.traces.tail_per_s_max,
        telemetry.tenants,
        page.host,
        page.port if page.enabled else None,
    )


def _kinds(settings: Settings) -> Mapping[str, str]:
    return {
        name: provider.kind.value
        if provider.kind is not Kind.LITELLM
        else provider.litellm_prefix or name
        for name, provider in settings.providers.items()
    }


def _hook(telemetry: TelemetrySettings) -> Hook | None:
    path = telemetry.content_hook
    if path is None or telemetry.content is ContentExport.OFF:
        return None
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"telemetry.content_hook {path!r} cannot be imported: {error}") from error


def _readings(sources: Sources) -> Mapping[Metric, Callable[[], Points]]:
    def one(read: Callable[[CacheReport], float]) -> Callable[[], Points]:
        return lambda: [((), read(sources.cache()))]

    return {
        of.IN_FLIGHT: lambda: [((), sources.in_flight())],
        of.WAITING: lambda: [((), sources.waiting())],
        of.LOOP_LAG: lambda: [((), sources.loop_lag_s())],
        of.ALERT_FIRING: sources.alerts,
        of.CIRCUIT: lambda: circuits(sources.board),
        of.DROPPED: lambda: [((name,), count()) for name, count in sources.dropped.items()],
        of.CACHE_REQUESTS: lambda: _cache_requests(sources.cache()),
        of.CACHE_REFRESHES: one(lambda report: report.counts.early_refreshes),
        of.CACHE_KNOWN_FAILURES: one(lambda report: report.counts.known_failures),
        of.CACHE_HIT_BYTES: one(lambda report: report.counts.hit_bytes),
        of.CACHE_ENTRIES: one(lambda report: report.local_entries),
        of.CACHE_SIZE: one(lambda report: report.local_bytes),
        of.CACHE_SIZE_MAX: one(lambda report: report.local_bytes_max),
        of.CACHE_STORES: one(lambda report: report.local_stores),
        of.CACHE_EVICTIONS: one(lambda report: report.local_evictions),
        of.SHARED_STATE: lambda: [
            ((state,), float(state == sources.cache().shared.state)) for state in of.SHARED_STATES
        ],
        of.SHARED_FAILURES: one(lambda report: report.shared.failures),
        of.SHARED_SKIPS: one(lambda report: report.shared.skips),
        of.SHARED_LOST_STORES: one(lambda report: report.shared.lost_stores),
    }


def circuits(board: Scoreboard) -> Points:
    """As they stand now: the board itself looks when somebody asks."""
    now = board.clock()
    for target, entry in tuple(board.known()):
        values = (target.provider, target.deployment, target.model)
        yield values, _CIRCUITS[breaker.at(entry.breaker, now).circuit]


def _cache_requests(report: CacheReport) -> Points:
    counts = report.counts
    return [
        (("hit_local",), counts.local_hits),
        (("hit_shared",), counts.shared_hits),
        (("miss",), counts.misses),
        (("coalesced",), counts.coalesced),
        (("bypassed",), counts.bypassed),
        (("refreshed",), counts.refreshed),
        (("repeated",), counts.repeated),
    ]

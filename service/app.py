"""The composition root: the only file that knows every concrete class, and joins them.

Builds everything from one Loaded configuration, and rebuilds what a reload may change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import structlog

from service.accounting import Accounting
from service.alerting import Alerting
from service.caching import Caching, redis_terms
from service.config import (
    Loaded,
    Settings,
    secrets,
)
from service.config import domain as values
from service.domain.catalogue import Listing, alias_listings, listings
from service.domain.scoring import Policy, PolicyName
from service.health.ability import Ability
from service.health.checks import Check
from service.health.monitor import Monitor, Terms
from service.listening import Listening
from service.pipeline.admission import Admission
from service.pipeline.completion import CompletionPipeline
from service.pipeline.course import Course
from service.pipeline.planner import Planner
from service.pipeline.retries import Retries
from service.pipeline.roster import Roster
from service.pipeline.router import Router
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from service.pipeline.vitals import Vitals
from service.ports import Provider
from service.providing import PriceDays, Providing
from service.redis_door import RedisTerms
from service.rpc.servicers.admin import AdminServicer
from service.rpc.servicers.analytics import AnalyticsServicer, AnalyticsSources
from service.rpc.servicers.completion import CompletionServicer
from service.rpc.servicers.health import HealthServicer
from service.rpc.servicers.model import ModelServicer
from service.server import Servicers
from service.sharing.sharer import Sharer
from service.telemetering import Sources, Telemetering
from service.telemetry.access_log import AccessLog
from service.telemetry.decisions import DecisionLog
from service.telemetry.journal import Journal, Sink
from service.telemetry.live import Live
from service.telemetry.logs import LogWriter
from service.telemetry.redaction import Redactor

_log = structlog.get_logger()


class App:
    """The whole service. `start`, then `reload` as often as needed, then `drain`."""

    def __init__(self, loaded: Loaded, redactor: Redactor, log_writer: LogWriter | None) -> None:
        settings = loaded.settings
        redactor.learn(secrets(settings))
        self._settings = settings
        self._redactor = redactor
        self._providing = Providing()
        self._price_days = PriceDays(self._reprice)
        self.telemetering = Telemetering(settings, redactor, log_writer)
        self._log_writer = log_writer
        self._retiring: set[asyncio.Task[None]] = set()
        self.admission = Admission(settings.limits.in_flight_max)
        self.board = Scoreboard()
        self.sharer = Sharer(self.board, self.board.clock)
        self.turns = Turns(self.board, settings.limits.waiting_max)
        self._retries = Retries(self.board.clock)
        self._decision_logs: list[DecisionLog] = []
        self._decisions = self._decision_log(settings)
        self.live = Live(time.time())
        self.journal = Journal((*_sinks(settings, log_writer), self.live))
        self.accounting = Accounting(settings, self.journal.flush)
        self.journal.sinks += (self.accounting.recorder,)
        self.router = Router(
            self._providing.roster(settings), Planner(self.board), self._course(settings)
        )
        vitals = Vitals(self.board)
        self.monitor = Monitor(vitals.read, self.board.clock)
        self.alerting = Alerting(settings, self.monitor.healths, self.accounting.book)
        self.journal.sinks += (self.alerting.counted,)
        self.caching = Caching(self.router, settings)
        self.pipeline = CompletionPipeline(
            self.admission,
            self.router,
            self.caching.answers,
            self.caching.fetcher,
            self.caching.relay,
        )
        self.analytics = AnalyticsServicer(self._known())
        servicers = Servicers(
            CompletionServicer(self.pipeline),
            ModelServicer(self.pipeline, self._list_models),
            HealthServicer(self.monitor),
            self.analytics,
            AdminServicer(self.caching),
        )
        self.listening = Listening(settings, redactor, self.journal, servicers, self._close_doors)
        self.guard, self.server = self.listening.guard, self.listening.server
        tell_able = self.server.health.set_able
        self._ability = Ability(vitals.read, self.board.clock, tell_able)
        self.board.changed += [self.monitor.circuit_changed, self._ability.circuit_changed]
        self._adopt_health(settings)

    async def start(self) -> None:
        """Listens, warms up, becomes ready. Raises OSError when it cannot listen."""
        self.listening.tell_alive()
        self.journal.sinks += self.telemetering.start(self._sources())
        self.guard.sampling = self.telemetering.sampling
        await self.listening.start()
        self._price_days.follow(self._settings.prices, self._providing.edges(self._settings))
        await self._providing.warm_up()
        await self.caching.follow(self._settings)
        await self.accounting.follow(self._settings, redis_terms(self._settings.cache))
        await self.sharer.follow(_shared_at(self._settings))
        self.alerting.start()
        self.server.health.set_ready(ready=True)

    async def reload(self, loaded: Loaded) -> None:
        """Takes over providers, limits, deadlines and keys. No call in flight notices."""
        settings = loaded.settings
        self._redactor.learn(secrets(settings))
        fixed = _needs_restart(self._settings, settings)
        if fixed:
            _log.warning("these changes need a restart", sections=fixed)
        old, old_log = self.router.roster, None
        if settings.routing.decision_log != self._settings.routing.decision_log:
            old_log, self._decisions = self._decisions, self._decision_log(settings)
        self._settings = settings
        self._price_days.follow(settings.prices, self._providing.edges(settings))
        self.router.roster = self._providing.roster(settings)
        self.router.course = self._course(settings)
        self._adopt_health(settings)
        self.caching.adopt(settings)
        self.accounting.adopt(settings)
        self.alerting.adopt(settings)
        self.turns.waiting_max = settings.limits.waiting_max
        self.admission.in_flight_max = settings.limits.in_flight_max
        self.listening.adopt(settings)
        self.telemetering.adopt(settings)
        self.guard.sampling = self.telemetering.sampling
        self._retire_later(old, old_log)
        await self.caching.follow(settings)
        await self.accounting.follow(settings, redis_terms(settings.cache))
        await self.sharer.follow(_shared_at(settings))
        await self._providing.warm_up()

    async def drain(self) -> None:
        """Finishes what is in flight, refuses what comes, then closes everything."""
        left_s = await self.server.drain()
        await self.pipeline.finish(left_s)
        await self.close()

    async def close(self) -> None:
        """Ends at once."""
        await self.listening.aclose()
        await self.alerting.aclose()
        self.pipeline.close()
        await self.caching.aclose()
        await self.sharer.follow(None)
        self.monitor.close()
        self._ability.close()
        self._price_days.close()
        for task in self._retiring:
            task.cancel()
        await self._providing.aclose()
        for log in self._decision_logs:
            await asyncio.to_thread(log.close)
        await asyncio.to_thread(self.journal.close)
        await self.accounting.aclose()
        await self.telemetering.aclose()

    def _reprice(self) -> None:
        """Another price begins to hold today."""
        old = self.router.roster
        self.router.roster = self._providing.roster(self._settings)
        self._adopt_health(self._settings)
        self._retire_later(old, None)

    def _retire_later(self, old: Roster, log: DecisionLog | None) -> None:
        task = asyncio.create_task(self._retire(old, log))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, old: Roster, log: DecisionLog | None) -> None:
        await old.idle()
        if log is not None:
            await asyncio.to_thread(log.close)
        await self._providing.retire(old, self.router.roster)

    def _course(self, settings: Settings) -> Course:
        return Course(
            self.board,
            self.turns,
            self._retries,
            settings.deadlines.attempt_min_s,
            None if self._decisions is None else self._decisions.put,
            self.journal,
            keeps_content=self.telemetering.keeps_content,
        )

    def _sources(self) -> Sources:
        dropped = {
            "journal": lambda: self.journal.dropped_count,
            "alerts": lambda: self.alerting.dropped_count,
        }
        if self._log_writer is not None:
            writer = self._log_writer
            dropped["log"] = lambda: writer.dropped_count
        if self._decision_logs:
            dropped["decisions"] = lambda: sum(log.dropped_count for log in self._decision_logs)
        return Sources(
            lambda: self.caching.report(None),
            self.board,
            lambda: self.admission.in_flight_count,
            lambda: self.turns.waiting_count,
            lambda: self.listening.watchdog.lag_max_s,
            dropped,
            self.alerting.firing,
        )

    def _decision_log(self, settings: Settings) -> DecisionLog | None:
        wanted = settings.routing.decision_log
        if wanted.file is None:
            return None
        self._decision_logs.append(DecisionLog(wanted.file, wanted.sample, wanted.bytes_max))
        return self._decision_logs[-1]

    def _adopt_health(self, settings: Settings) -> None:
        self.board.latency_s = settings.cache.metrics_ttl_s
        roster = self.router.roster
        checks: dict[str, dict[str, Check]] = {name: {} for name in settings.providers}
        for (name, deployment), member in roster.members.items():
            checks[name][deployment] = partial(_check, roster, member.provider)
        policy = values.bounds(settings.routing).policy
        scoring = policy if policy.name is PolicyName.COMPOSITE else Policy()
        terms = Terms(settings.health.check_timeout_s, settings.cache.health_ttl_s, scoring)
        self.monitor.adopt(checks, terms)
        self._ability.adopt(roster.members.keys())

    def _close_doors(self) -> None:
        self.admission.close()
        self.monitor.drain()
        self.analytics.drain()

    def _known(self) -> AnalyticsSources:
        return AnalyticsSources(
            self.accounting.book,
            self.live,
            self.monitor,
            lambda: self.admission.in_flight_count,
            self.caching.report,
            self.alerting.known,
        )

    def _list_models(self, providers: Sequence[str]) -> list[Listing]:
        families = {name: p.kind.value for name, p in self._settings.providers.items()}
        roster = self.router.roster
        found = listings(roster.offers, families, self._providing.catalogue, providers)
        aliases = alias_listings(roster.names, roster.offers, providers)
        return sorted(found + aliases, key=lambda listing: listing.name)


async def _check(roster: Roster, provider: Provider) -> bool:
    # Leased, so that a reload closes it afterwards.
    with roster.lease():
        return await provider.check()


def _shared_at(settings: Settings) -> RedisTerms | None:
    return redis_terms(settings.cache) if settings.routing.share else None


def _sinks(settings: Settings, log_writer: LogWriter | None) -> tuple[Sink, ...]:
    if log_writer is None or settings.logging.level.value not in ("debug", "info"):
        return ()
    return (AccessLog(partial(log_writer.put, plain=True)),)


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    return [
        name
        for name in ("service", "server", "logging", "telemetry", "admin")
        if getattr(old, name) != getattr(new, name)
    ]

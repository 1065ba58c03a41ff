"""The part of the composition root that keeps the ledger, and changes its store on a reload."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from service.config import AnalyticsSettings, Settings, StoreKind
from service.domain.cardinality import NameLimits, Names
from service.domain.rollup_plan import Retention
from service.ledger.book import Book, BookTerms
from service.ledger.recorder import Recorder
from service.ledger.redis import RedisStore
from service.ledger.sqlite import SqliteStore
from service.ledger.store import Store
from service.redis_door import RedisTerms

_log = structlog.get_logger()
Followed = tuple[StoreKind, Path | None, RedisTerms | None, Retention]


class Accounting:
    """`recorder` is a sink of the journal, `book` answers questions. `follow`, then `adopt`
    whenever the configuration changes.

    `tell_all` has the journal hand out what it holds; it may block, and runs on a thread.
    """

    def __init__(self, settings: Settings, tell_all: Callable[[], None]) -> None:
        self.recorder = Recorder()
        self.book = Book(self.recorder, tell_all)
        self._limits: NameLimits | None = None
        self._followed: Followed | None = None
        self.adopt(settings)

    def __repr__(self) -> str:
        return f"<Accounting {self.book}>"

    def adopt(self, settings: Settings) -> None:
        """Takes over what can change at once."""
        analytics = settings.analytics
        self.book.terms = BookTerms(
            analytics.flush_interval_s, _retention(analytics), analytics.labels
        )
        self.recorder.labels = tuple(sorted(analytics.labels))
        limits = NameLimits(analytics.values_max, keys_max=analytics.keys_max)
        if limits != self._limits:
            self._limits = limits
            self.recorder.names = Names(limits)

    async def follow(self, settings: Settings, shared: RedisTerms | None) -> None:
        """Keeps the ledger where it is configured to be. `shared` leads to the cache's Redis."""
        analytics = settings.analytics
        wanted = _wanted(analytics, shared)
        if wanted == self._followed:
            return
        self._followed = wanted
        await self.book.adopt(_store(wanted, settings.cache.redis_prefix))
        self.recorder.is_on = wanted[0] is not StoreKind.OFF

    async def aclose(self) -> None:
        """What was recorded is handed over first."""
        await self.book.aclose()


def ledger_file(surroundings: Mapping[str, str]) -> Path:
    """Where it is kept when nobody says: where this system keeps the state of its services, or of
    its users.
    """
    if folder := surroundings.get("STATE_DIRECTORY"):
        # systemd lists several.
        return Path(folder.partition(":")[0]) / "ledger.sqlite3"
    if folder := surroundings.get("XDG_STATE_HOME"):
        return Path(folder) / "ai-provider" / "ledger.sqlite3"
    if home := surroundings.get("HOME"):
        return Path(home) / ".local" / "state" / "ai-provider" / "ledger.sqlite3"
    return Path("/var/lib/ai-provider/ledger.sqlite3")


def _wanted(analytics: AnalyticsSettings, shared: RedisTerms | None) -> Followed:
    retention = _retention(analytics)
    match analytics.store:
        case StoreKind.SQLITE:
            file = analytics.file or ledger_file(os.environ)
            return StoreKind.SQLITE, file, None, retention
        case StoreKind.REDIS:
            url = analytics.redis_url
            terms = shared if url is None else RedisTerms(url.get_secret_value())
            return StoreKind.REDIS, None, terms, retention
        case StoreKind.OFF:
            return StoreKind.OFF, None, None, retention


def _store(wanted: Followed, prefix: str) -> Store | None:
    _, file, terms, retention = wanted
    if file is not None:
        return SqliteStore(file, retention)
    if terms is None:
        return None
    try:
        return RedisStore(terms, prefix, retention)
    except ValueError as error:
        _log.error("no ledger is kept: the URL of Redis", problem=str(error))
        return None


def _retention(analytics: AnalyticsSettings) -> Retention:
    return Retention(analytics.keep_minutes_s, analytics.keep_hours_s, analytics.keep_days_s)

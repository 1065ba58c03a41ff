"""`python -m service serve`: runs the App until a signal, reloads it when its files change."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
import uvloop

from service.app import App
from service.config import ConfigurationError, Loaded, load
from service.config.report import looked_for
from service.config.watch import changes
from service.telemetry.logs import LogWriter, configure
from service.telemetry.redaction import Redactor

_USAGE_ERROR = 2
_YOUNG_MAX = 20_000
"""Some megabytes of objects."""
_log = structlog.get_logger()


class PreciseLoop(uvloop.Loop):
    """The clock of uvloop counts whole milliseconds: many a part of a call takes less.

    Timers keep counting them, and may fire 1.5 ms early.
    """

    time = staticmethod(time.monotonic)  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride] - as quick as what it replaces


def main(argv: Sequence[str]) -> int:
    argparse.ArgumentParser(
        prog="python -m service serve",
        description="Serves gRPC. Everything is configured by environment, secrets and YAML:"
        " see `python -m service config` and docs/configuration.md.",
    ).parse_args(argv)
    try:
        loaded = load()
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")  # There is no log yet.
        return _USAGE_ERROR
    redactor = Redactor()
    logging = loaded.settings.logging
    writer = LogWriter(redactor, json=logging.format.value == "json")
    configure(logging.level.value, writer)
    try:
        with asyncio.Runner(loop_factory=PreciseLoop) as runner:
            return runner.run(_serve(loaded, redactor, writer))
    finally:
        writer.close()


async def _serve(loaded: Loaded, redactor: Redactor, writer: LogWriter) -> int:
    # Here and not earlier: gRPC binds itself to the loop that is running.
    app = App(loaded, redactor, writer)
    stop, force = asyncio.Event(), asyncio.Event()
    reload = asyncio.Event()
    _on_signals(stop, force, reload)
    try:
        await app.start()
    except (OSError, ValueError) as error:
        _log.critical("cannot start", error=str(error))
        await app.close()
        return 1
    settle()
    _announce(app, loaded)
    reloader = asyncio.create_task(_reload_for_ever(app, loaded, reload))
    await stop.wait()
    reloader.cancel()
    await _unless(force, app.drain)
    await app.close()
    _log.info("stopped")
    return 0


def settle() -> None:
    """What is there now lives as long as the process: no collection need ever look at it again.

    Of what comes, nearly all is freed without the collector. Records that wait to be accounted for
    would only make it look again and again for cycles that are not there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_MAX)


def _on_signals(stop: asyncio.Event, force: asyncio.Event, reload: asyncio.Event) -> None:
    def stopped() -> None:
        # The second signal means: now.
        (force if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped)
    loop.add_signal_handler(signal.SIGINT, stopped)
    loop.add_signal_handler(signal.SIGHUP, reload.set)


def _announce(app: App, loaded: Loaded) -> None:
    settings = loaded.settings
    providers = list(settings.active_providers)
    besides = {}
    page, liveness = app.listening.page, app.listening.liveness
    if page is not None:
        besides["page"] = f"http://{settings.admin.host}:{page.port}"
    if liveness is not None:
        besides["liveness"] = f"{settings.service.host}:{liveness.port}"
    metrics = app.telemetering.page_address
    if metrics is not None:
        besides["metrics"] = f"http://{metrics}/metrics"
    _log.info(
        "ready",
        address=f"{settings.service.host}:{app.server.port}",
        **besides,
        tls=settings.server.tls.enabled,
        providers=providers,
        environment=settings.service.environment,
        files=[str(file) for file in loaded.files if file.exists()],
    )
    for warning in loaded.warnings:
        _log.warning(str(warning))
    if settings.auth.anonymous:
        _log.warning("no API keys are configured: every caller is served as the tenant `anonymous`")
    if not providers:
        _log.warning("no provider is enabled", looked_for=looked_for(loaded).splitlines())


async def _reload_for_ever(app: App, loaded: Loaded, asked: asyncio.Event) -> None:
    async def watch(known: Loaded) -> None:
        async for _ in changes(known.files, since=known.stamps):
            asked.set()

    watching = asyncio.create_task(watch(loaded))
    try:
        while True:
            await asked.wait()
            asked.clear()
            try:
                fresh = await asyncio.to_thread(load)
            except ConfigurationError as error:
                problems = str(error).splitlines()
                _log.error("configuration refused; the old one stays", problems=problems)
                continue
            await app.reload(fresh)
            settle()
            providers = list(fresh.settings.active_providers)
            _log.warning("configuration reloaded", providers=providers)
            if fresh.files != loaded.files:
                watching.cancel()
                watching = asyncio.create_task(watch(fresh))
            loaded = fresh
    finally:
        watching.cancel()


async def _unless(force: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    forced = asyncio.ensure_future(force.wait())
    await asyncio.wait({task, forced}, return_when=asyncio.FIRST_COMPLETED)
    forced.cancel()
    if not task.done():
        _log.warning("stopping at once: a second signal came")
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

"""The part of the composition root that callers, browsers and probers reach, and its guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from service.config import Settings
from service.ports import Journal
from service.rpc.call import Identity
from service.rpc.credentials import TlsFiles
from service.rpc.interceptors.guard import Deadlines, Guard
from service.rpc.interceptors.identity import Directory
from service.rpc.liveness import LivenessServer
from service.server import Listen, Server, Servicers
from service.telemetry.redaction import Redactor
from service.telemetry.watchdog import LoopWatchdog

if TYPE_CHECKING:
    from service.page.server import PageServer


class Listening:
    """`tell_alive`, then `start`, then `adopt` whenever the configuration changes. To be made in a
    running loop.

    `close_doors` is called when a drain stops accepting new work.
    """

    def __init__(
        self,
        settings: Settings,
        redactor: Redactor,
        journal: Journal,
        servicers: Servicers,
        close_doors: Callable[[], None],
    ) -> None:
        self.guard = Guard(_directory(settings), _deadlines(settings), redactor, journal)
        self.server = Server(_listen(settings), servicers, self.guard, close_doors)
        self.page = _page(settings, servicers, self.guard)
        """None where nobody wants one."""
        self.watchdog = LoopWatchdog()
        self.liveness = _liveness(settings, self.watchdog)
        """None where it has no port of its own."""

    def tell_alive(self) -> None:
        """To be called before anything that takes its time. Raises OSError if it cannot listen."""
        if self.liveness is not None:
            self.liveness.start()

    async def start(self) -> None:
        """Raises OSError if it cannot listen."""
        await self.server.start()
        if self.page is not None:
            await self.page.start()
        self.watchdog.start()

    def adopt(self, settings: Settings) -> None:
        """Takes over keys and deadlines; where it listens needs a restart."""
        self.guard.directory = _directory(settings)
        self.guard.deadlines = _deadlines(settings)

    async def aclose(self) -> None:
        """Ends at once."""
        if self.page is not None:
            await self.page.stop()
        await self.server.stop()
        if self.liveness is not None:
            self.liveness.stop()
        self.watchdog.close()


def _directory(settings: Settings) -> Directory:
    auth = settings.auth
    return Directory(
        {key.digest: Identity(key.caller, key.tenant, key.permissions) for key in auth.keys},
        {
            certificate.subject: Identity(
                certificate.caller, certificate.tenant, certificate.permissions
            )
            for certificate in auth.client_certificates
        },
        Identity("anonymous", "anonymous", auth.anonymous_permissions) if auth.anonymous else None,
    )


def _deadlines(settings: Settings) -> Deadlines:
    return Deadlines(settings.deadlines.default_s, settings.deadlines.max_s)


def _listen(settings: Settings) -> Listen:
    server = settings.server
    tls = None
    if server.tls.cert_file is not None and server.tls.key_file is not None:
        tls = TlsFiles(
            server.tls.cert_file,
            server.tls.key_file,
            server.tls.client_ca_file,
            server.tls.require_client_cert,
        )
    return Listen(
        settings.service.host,
        settings.service.port,
        tls,
        server.reflection,
        server.message_bytes_max,
        server.keepalive_time_s,
        server.keepalive_timeout_s,
        server.ping_interval_min_s,
        server.connection_age_max_s,
        server.connection_age_grace_s,
        server.drain.settle_s,
        server.drain.grace_s,
    )


def _page(settings: Settings, servicers: Servicers, guard: Guard) -> PageServer | None:
    admin = settings.admin
    if admin.port is None:
        return None
    # It reads its files, which nobody pays who wants no page.
    from service.page.server import PageServer, PageTerms  # noqa: PLC0415 - as said above

    return PageServer(PageTerms(admin.host, admin.port, admin.names), guard, servicers.analytics)


def _liveness(settings: Settings, watchdog: LoopWatchdog) -> LivenessServer | None:
    port = settings.server.liveness_port
    if port is None:
        return None
    return LivenessServer(settings.service.host, port, lambda: watchdog.is_stalled)

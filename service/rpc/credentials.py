"""TLS for the server, with certificates that are read again when their files change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import structlog

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. With a `client_ca` callers may show a certificate; `require_client` makes them."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    require_client: bool = False

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.certificate, self.key, self.client_ca) if path)


class _Certificates:
    """gRPC asks at every handshake, from threads of its own."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._stamp = self._current_stamp()

    def initial(self) -> grpc.ServerCertificateConfiguration:
        return self._read()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """None keeps the old ones: nothing changed, or what changed cannot be read."""
        with self._lock:
            try:
                stamp = self._current_stamp()
                if stamp == self._stamp:
                    return None
                configuration = self._read()
            except (OSError, ValueError) as error:
                _log.error(
                    "TLS files changed but cannot be read; keeping the old", error=str(error)
                )
                return None
            self._stamp = stamp
            _log.warning("TLS files read again", files=[str(p) for p in self._files.paths])
            return configuration

    def _current_stamp(self) -> tuple[tuple[int, int, int], ...]:
        stats = [path.stat() for path in self._files.paths]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)

    def _read(self) -> grpc.ServerCertificateConfiguration:
        certificate = self._files.certificate.read_bytes()
        key = self._files.key.read_bytes()
        for name, text in ((self._files.certificate, certificate), (self._files.key, key)):
            if b"-----BEGIN" not in text:
                raise ValueError(f"{name} is not a PEM file")
        ca = self._files.client_ca.read_bytes() if self._files.client_ca else None
        return grpc.ssl_server_certificate_configuration([(key, certificate)], ca)


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Raises OSError or ValueError when a file is missing or is no PEM file."""
    certificates = _Certificates(files)
    # The stubs know nothing of None, by which a fetcher says that nothing changed.
    changed = cast("Callable[[], grpc.ServerCertificateConfiguration]", certificates.changed)
    return grpc.dynamic_ssl_server_credentials(
        certificates.initial(), changed, files.require_client
    )

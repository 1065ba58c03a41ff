"""The page that Prometheus reads, on a port and threads of its own. Off unless asked for."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, start_http_server

from service.telemetry.otel.points import Points, PullReader
from service.telemetry.terms import TelemetryTerms

DEFAULT_PORT = 9464


class PrometheusPage:
    """Serves at once. `port` is the one it listens on. Raises OSError."""

    def __init__(self, terms: TelemetryTerms, environ: Mapping[str, str], points: Points) -> None:
        registry = CollectorRegistry()
        self.reader = PullReader(registry, points)
        host = environ.get("OTEL_EXPORTER_PROMETHEUS_HOST") or terms.prometheus_host
        port = DEFAULT_PORT if terms.prometheus_port is None else terms.prometheus_port
        port = int(environ.get("OTEL_EXPORTER_PROMETHEUS_PORT") or port)
        self._server, self._thread = start_http_server(port, host, registry)
        self.port = int(self._server.server_port)

    def __repr__(self) -> str:
        return f"<PrometheusPage on port {self.port}>"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=1)

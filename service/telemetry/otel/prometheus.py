"""The page that Prometheus reads, on a port and threads of its own. Off unless asked for."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, start_http_server

from service.telemetry.otel.points import Points, PullReader
from service.telemetry.terms import OtelVariables, TelemetryTerms


class PrometheusPage:
    """Serves at once. `port` is the one it listens on.

    Raises OSError, and ValueError for what a variable says and is no port.
    """

    def __init__(self, terms: TelemetryTerms, variables: OtelVariables, points: Points) -> None:
        registry = CollectorRegistry()
        self.reader = PullReader(registry, points)
        host, port = variables.prometheus_address(terms)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            problem = f"Prometheus' page cannot be served on {host}:{port}: {error.strerror}"
            raise OSError(problem) from error
        self.port = int(self._server.server_port)
        self.address = f"{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<PrometheusPage on port {self.port}>"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=1)

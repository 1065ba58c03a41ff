"""A real OTLP receiver, by gRPC or by HTTP, that keeps whatever it is sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

_REQUESTS: Mapping[str, Any] = {
    "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
    "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "/v1/logs": logs_service_pb2.ExportLogsServiceRequest,
}
_RESPONSES: Mapping[str, Any] = {
    "/v1/traces": trace_service_pb2.ExportTraceServiceResponse,
    "/v1/metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "/v1/logs": logs_service_pb2.ExportLogsServiceResponse,
}


class Received:
    """Everything so far. `endpoint` is where to send it."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.headers: list[Mapping[str, str]] = []
        self.bytes = b""
        self._lock = threading.Lock()
        self._messages: list[tuple[str, Any]] = []

    def add(self, kind: str, message: Any, headers: Mapping[str, str]) -> None:
        with self._lock:
            self._messages.append((kind, message))
            self.headers.append(headers)
            self.bytes += message.SerializeToString()

    @property
    def spans(self) -> list[Any]:
        """In the order of their beginning."""
        found = [
            span
            for message in self._of("/v1/traces")
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        return [
            attributes(resource.resource)
            for message in self._of("/v1/metrics")
            for resource in message.resource_metrics
        ]

    def metrics(self) -> Mapping[str, Any]:
        """The last of each name."""
        return {
            metric.name: metric
            for message in self._of("/v1/metrics")
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    @property
    def lines(self) -> list[Any]:
        return [
            line
            for message in self._of("/v1/logs")
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for line in scope.log_records
        ]

    def _of(self, kind: str) -> list[Any]:
        with self._lock:
            return [message for of, message in self._messages if of == kind]


def attributes(holder: Any) -> Mapping[str, Any]:
    """Of a span, a data point or a resource."""
    return {one.key: _value(one.value) for one in holder.attributes}


def _value(told: Any) -> Any:
    kind = told.WhichOneof("value")
    value = getattr(told, kind)
    return [_value(one) for one in value.values] if kind == "array_value" else value


def points(metric: Any) -> Iterable[Any]:
    """The data points of any kind of metric."""
    return getattr(metric, metric.WhichOneof("data")).data_points


@contextmanager
def grpc_receiver(*, keep: bool = True) -> Generator[Received]:
    """With `keep` of False it forgets everything at once."""
    received = Received()

    def export(kind: str) -> Any:
        def exported(request: Any, context: Any) -> Any:
            if keep:
                headers = {key: str(value) for key, value in context.invocation_metadata()}
                received.add(kind, request, headers)
            return _RESPONSES[kind]()

        # The generated way to add a service takes anything that has its methods.
        return type("Servicer", (), {"Export": staticmethod(exported)})()

    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(export("/v1/traces"), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(export("/v1/metrics"), server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(export("/v1/logs"), server)
    received.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield received
    finally:
        server.stop(None).wait()


@contextmanager
def http_receiver() -> Generator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            message = _REQUESTS[self.path].FromString(body)
            received.add(self.path, message, {k.lower(): v for k, v in self.headers.items()})
            reply = _RESPONSES[self.path]().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    received.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def without_canaries(attribute: str, text: str) -> str:
    """A hook that an operator may configure."""
    _ = attribute
    return text.replace("canary-7d1f0c", "*****")

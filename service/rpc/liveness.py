"""A second, plain gRPC port that knows one question: is the process alive?

It is answered on threads of its own, also while the event loop is blocked, so that a prober does
not take a busy moment for death; and NOT_SERVING once the loop has been blocked for too long.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc as pb_grpc

from service.rpc.standard_health import LIVENESS

_THREADS = 2
_Status = pb.HealthCheckResponse


class LivenessServer:
    """`is_stalled` is asked from other threads. Port 0 takes a free one."""

    def __init__(self, host: str, port: int, is_stalled: Callable[[], bool]) -> None:
        self.port = 0
        self._address = f"{host}:{port}"
        options = (("grpc.so_reuseport", 0),)
        self._server = grpc.server(ThreadPoolExecutor(_THREADS, "liveness"), options=options)
        pb_grpc.add_HealthServicer_to_server(_Liveness(is_stalled), self._server)

    def start(self) -> None:
        """Raises OSError if it cannot bind."""
        try:
            self.port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._address}: is the port in use?") from error
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None)


class _Liveness(pb_grpc.HealthServicer):
    def __init__(self, is_stalled: Callable[[], bool]) -> None:
        self._is_stalled = is_stalled

    def Check(
        self, request: pb.HealthCheckRequest, context: grpc.ServicerContext
    ) -> pb.HealthCheckResponse:
        if request.service not in ("", LIVENESS):
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"this port knows `{LIVENESS}` alone: ask the service's own port for the rest",
            )
        stalled = self._is_stalled()
        return pb.HealthCheckResponse(status=_Status.NOT_SERVING if stalled else _Status.SERVING)

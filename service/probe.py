"""`python -m service probe`: asks a server for its health; exit code 0 means SERVING.

For HEALTHCHECK in containers and for shells. Kubernetes has gRPC probes of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_DEFAULT_PORT = "8005"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m service probe",
        description="Exit code: 0 serving, 1 not serving, 2 unknown service or bad arguments,"
        " 3 no answer.",
    )
    port = os.environ.get("AI_PROVIDER_PORT", "")
    # Kubernetes sets this name too, to a URL, if a Service is called ai-provider.
    port = port if port.isdecimal() else _DEFAULT_PORT
    parser.add_argument("--target", default=f"127.0.0.1:{port}", help="default: %(default)s")
    parser.add_argument("--service", default="readiness", help="default: %(default)s")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds; default: %(default)s")
    parser.add_argument("--ca", type=Path, help="PEM of the authority; turns TLS on")
    parser.add_argument("--cert", type=Path, help="PEM of the client's certificate")
    parser.add_argument("--key", type=Path, help="PEM of the client's key")
    parser.add_argument("--server-name", help="the name that the server's certificate is for")
    options = parser.parse_args(argv)
    try:
        return _probe(options)
    except OSError as error:
        return _say(f"cannot read {error.filename}: {error.strerror}", 2)


def _probe(options: argparse.Namespace) -> int:
    with _channel(options) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(
                health_pb2.HealthCheckRequest(service=options.service), timeout=options.timeout
            )
        except grpc.RpcError as error:
            failure: Any = error
            unknown = failure.code() is grpc.StatusCode.NOT_FOUND
            return _say(f"{options.target}: {failure.details()}", 2 if unknown else 3)
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    serving = answer.status == health_pb2.HealthCheckResponse.SERVING
    return _say(f"{options.target} {options.service!r}: {name}", 0 if serving else 1)


def _channel(options: argparse.Namespace) -> grpc.Channel:
    if options.ca is None:
        return grpc.insecure_channel(options.target)
    credentials = grpc.ssl_channel_credentials(
        options.ca.read_bytes(),
        options.key.read_bytes() if options.key else None,
        options.cert.read_bytes() if options.cert else None,
    )
    named = options.server_name
    extra = (("grpc.ssl_target_name_override", named),) if named else ()
    return grpc.secure_channel(options.target, credentials, extra)


def _say(text: str, exit_code: int) -> int:
    print(text, file=sys.stderr if exit_code else sys.stdout)
    return exit_code

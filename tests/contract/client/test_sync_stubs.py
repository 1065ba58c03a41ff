"""The generated synchronous stubs, on the fake channel and clock of grpcio-testing."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import grpc_testing
import pytest
from aiprovider.v1 import (
    analytics_service_pb2,
    analytics_service_pb2_grpc,
    completion_service_pb2,
    completion_service_pb2_grpc,
    health_service_pb2,
    health_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
)

SERVICES = {
    "CompletionService": (completion_service_pb2, completion_service_pb2_grpc),
    "ModelService": (model_service_pb2, model_service_pb2_grpc),
    "HealthService": (health_service_pb2, health_service_pb2_grpc),
    "AnalyticsService": (analytics_service_pb2, analytics_service_pb2_grpc),
}
METHODS = [
    (name, method)
    for name, (module, _) in SERVICES.items()
    for method in module.DESCRIPTOR.services_by_name[name].methods
]


@pytest.mark.parametrize(
    ("name", "method"), METHODS, ids=lambda value: getattr(value, "name", value)
)
def test_stub(name: str, method: Any) -> None:
    """Every method of the contract is called as its descriptor says: names, types, shape."""
    module, module_grpc = SERVICES[name]
    channel: Any = grpc_testing.channel(
        list(module.DESCRIPTOR.services_by_name.values()), grpc_testing.strict_fake_time(0)
    )
    stub = getattr(module_grpc, f"{name}Stub")(channel)
    request = method.input_type._concrete_class()
    response = method.output_type._concrete_class()
    with ThreadPoolExecutor(1) as pool:
        work: Future[Any] = pool.submit(_asked, stub, method, request)
        if method.server_streaming:
            _, received, call = channel.take_unary_stream(method)
            call.send_initial_metadata(())
            call.send_response(response)
            call.terminate((), grpc.StatusCode.OK, "")
        else:
            _, received, call = channel.take_unary_unary(method)
            call.send_initial_metadata(())
            call.terminate(response, (), grpc.StatusCode.OK, "")
        answered = work.result(timeout=5)

    assert request == received
    assert [response] == answered


def _asked(stub: Any, method: Any, request: Any) -> list[Any]:
    answer = getattr(stub, method.name)(request, timeout=5)
    return list(answer) if method.server_streaming else [answer]

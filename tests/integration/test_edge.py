"""Identity, health, reflection, TLS and drain, over a real server."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Identity
from service.rpc.credentials import TlsFiles
from service.rpc.interceptors.identity import Directory
from service.server import SERVICES, Listen
from tests.kit.certificates import Authority
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Status, details, serving, streaming, unary

KEY = "k-ey-0123456789"
CLOSED = Directory({hashlib.sha256(KEY.encode()).digest(): Identity("billing", "acme")})
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize(
    "metadata",
    [(), (("authorization", "Bearer wrong-key-000"),), (("authorization", f"Basic {KEY}"),)],
)
async def test_unknown_callers_are_refused(metadata: Any) -> None:
    """Without a known key a call is UNAUTHENTICATED, and no provider is asked."""
    provider = ScriptedProvider()
    async with serving(member(provider), directory=CLOSED) as served:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.completion.Complete(unary(), metadata=metadata)

    assert Status.UNAUTHENTICATED == caught.value.code()
    assert "API_KEY_INVALID" == details(caught.value).error.reason
    assert [] == provider.calls


async def test_a_key_names_caller_and_tenant() -> None:
    """A known key is a caller and a tenant in the access line; the key itself is nowhere."""
    async with serving(member(ScriptedProvider()), directory=CLOSED) as served:
        metadata = (("authorization", f"Bearer {KEY}"),)
        await served.completion.Complete(unary(), metadata=metadata)

    assert ("billing", "acme") == (served.lines[0]["caller"], served.lines[0]["tenant"])
    assert KEY not in str(served.lines)


async def test_access_line() -> None:
    """Every call leaves one line: method, code, duration, request id, trace id, provider."""
    traceparent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    async with serving(member(ScriptedProvider())) as served:
        metadata = (("x-request-id", "r1"), ("traceparent", traceparent))
        await served.completion.Complete(unary(), metadata=metadata)
        async for _ in served.completion.StreamComplete(streaming()):
            pass

    first, second = served.lines
    assert ("OK", "r1", "ab" * 16) == (first["code"], first["request_id"], first["trace_id"])
    assert ("one", "m", 1) == (first["provider"], first["model"], first["attempts"])
    assert "/aiprovider.v1.CompletionService/StreamComplete" == second["method"]
    assert 32 == len(second["request_id"])


async def test_access_line_of_a_failure() -> None:
    """How many attempts there were, as ever, and what became of each; of streams, too."""
    down = ScriptedProvider(ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down"))
    async with serving(member(down)) as served:
        with pytest.raises(grpc.aio.AioRpcError):
            await served.completion.Complete(unary())
        with pytest.raises(grpc.aio.AioRpcError):
            async for _ in served.completion.StreamComplete(streaming()):
                pass

    for line in served.lines:
        assert line["attempts"] == len(line["tried"]) > 0
        assert "PROVIDER_UNAVAILABLE" in line["tried"][0]


async def test_health_needs_no_key_and_no_log() -> None:
    """Probers have no key: Check, Watch and List answer anyone, and leave no line."""
    async with serving(directory=CLOSED) as served:
        names = ["liveness", "readiness", "", *SERVICES]
        statuses = [
            (await served.health.Check(health_pb2.HealthCheckRequest(service=name))).status
            for name in names
        ]
        listed = (await served.health.List(health_pb2.HealthListRequest())).statuses

    assert [SERVING] * len(names) == statuses
    assert set(names) == set(listed)
    assert [] == served.lines


async def test_health_of_an_unknown_service() -> None:
    """Check answers NOT_FOUND for a name that is not served; Watch says SERVICE_UNKNOWN."""
    async with serving() as served:
        request = health_pb2.HealthCheckRequest(service="nope")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.health.Check(request)
        watch = served.health.Watch(request)
        watched = await watch.read()
        watch.cancel()

    assert Status.NOT_FOUND == caught.value.code()
    assert health_pb2.HealthCheckResponse.SERVICE_UNKNOWN == watched.status


async def test_watch_follows_readiness() -> None:
    """A watcher is told at once when a replica stops being ready; liveness stays."""
    async with serving() as served:
        watch = served.health.Watch(health_pb2.HealthCheckRequest(service="readiness"))
        before = await watch.read()
        served.server.health.set_ready(ready=False)
        after = await asyncio.wait_for(watch.read(), 1)
        alive = await served.health.Check(health_pb2.HealthCheckRequest(service="liveness"))
        watch.cancel()

    assert (SERVING, NOT_SERVING, SERVING) == (before.status, after.status, alive.status)


async def test_drain_loses_no_call() -> None:
    """A drain lets calls in flight finish, refuses new ones, and ends when all is done."""
    slow = ScriptedProvider(0.4, *HELLO)
    listen = Listen("127.0.0.1", 0, settle_s=0.1, grace_s=5.0)
    async with serving(member(slow), listen=listen) as served:
        running = asyncio.ensure_future(served.completion.Complete(unary()))
        stream = served.completion.StreamComplete(streaming())
        await slow.entered.wait()
        drain = asyncio.ensure_future(served.server.drain())
        await asyncio.sleep(0.05)
        accepted = asyncio.ensure_future(served.completion.Complete(unary()))
        await asyncio.sleep(0.15)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.completion.Complete(unary(), timeout=1)
        finished = await running
        events = [event async for event in stream]
        settled = await accepted
        await asyncio.wait_for(drain, 3)

    assert "Hello there" == finished.message.parts[0].text
    assert "Hello there" == settled.message.parts[0].text
    assert "finished" == events[-1].WhichOneof("event")
    assert Status.UNAVAILABLE == caught.value.code()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection(version: str) -> None:
    """Reflection lists every service and describes each file, v1's own included."""
    async with serving() as served:
        call: Any = served.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(
                file_containing_symbol="grpc.reflection.v1.ServerReflection"
            ),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICES[0]),
        ]
        listed, own, ours = [answer async for answer in call(iter(asked))]

    names = {service.name for service in listed.list_services_response.service}
    assert {*SERVICES, "grpc.health.v1.Health"} < names
    files = own.file_descriptor_response.file_descriptor_proto
    parsed = [descriptor_pb2.FileDescriptorProto.FromString(file) for file in files]
    assert "grpc.reflection.v1" in {file.package for file in parsed}
    assert ours.file_descriptor_response.file_descriptor_proto


async def test_message_limits() -> None:
    """A request beyond the limit is refused by the transport."""
    listen = Listen("127.0.0.1", 0, message_bytes_max=10_000)
    async with serving(member(ScriptedProvider()), listen=listen) as served:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.completion.Complete(unary("x" * 20_000))

    assert Status.RESOURCE_EXHAUSTED == caught.value.code()


async def test_port_in_use() -> None:
    """Two servers cannot share a port by mistake, and the error names the address."""
    async with serving() as served:
        with pytest.raises(OSError, match=f"127.0.0.1:{served.server.port}"):
            async with serving(listen=Listen("127.0.0.1", served.server.port)):
                pass


def _secure(port: int, ca: bytes, pair: tuple[bytes, bytes] | None = None) -> grpc.aio.Channel:
    certificate, key = pair or (None, None)
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return grpc.aio.secure_channel(f"localhost:{port}", credentials)


def _complete(channel: grpc.aio.Channel) -> Any:
    return channel.unary_unary(
        "/aiprovider.v1.CompletionService/Complete",
        request_serializer=completion_service_pb2.CompleteRequest.SerializeToString,
        response_deserializer=completion_service_pb2.CompleteResponse.FromString,
    )


async def test_mutual_tls(tmp_path: Path) -> None:
    """With mutual TLS a certificate is the identity, and callers without one get nothing."""
    authority = Authority()
    certificate, key = authority.write(tmp_path, "localhost", "server")
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.pem)
    listen = Listen("127.0.0.1", 0, TlsFiles(certificate, key, ca_file, require_client=True))
    directory = Directory(certificates={"billing.acme": Identity("billing", "acme")})
    async with serving(member(ScriptedProvider()), listen=listen, directory=directory) as served:
        port = served.server.port
        pair = authority.issue("billing.acme")
        async with _secure(port, authority.pem, pair) as known:
            await _complete(known)(unary())
        async with _secure(port, authority.pem, authority.issue("stranger")) as stranger:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await _complete(stranger)(unary())
        async with _secure(port, authority.pem) as nobody:
            with pytest.raises(grpc.aio.AioRpcError) as no_handshake:
                await _complete(nobody)(unary(), timeout=3)

    assert ("billing", "acme") == (served.lines[0]["caller"], served.lines[0]["tenant"])
    assert Status.UNAUTHENTICATED == refused.value.code()
    assert no_handshake.value.code() in (Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED)


async def test_certificates_are_read_again(tmp_path: Path) -> None:
    """New certificate files serve new connections; broken ones leave the old in place."""
    old, new = Authority("old"), Authority("new")
    certificate, key = old.write(tmp_path, "localhost", "server")
    listen = Listen("127.0.0.1", 0, TlsFiles(certificate, key))
    async with serving(member(ScriptedProvider()), listen=listen) as served:
        port = served.server.port
        async with _secure(port, old.pem) as channel:
            await _complete(channel)(unary())
        certificate.write_text("half a certifi")
        async with _secure(port, old.pem) as channel:
            await _complete(channel)(unary())
        new.write(tmp_path, "localhost", "server")
        async with _secure(port, new.pem) as channel:
            await _complete(channel)(unary())
        async with _secure(port, old.pem) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await _complete(channel)(unary(), timeout=3)

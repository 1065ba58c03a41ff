"""Debugging by hand, as the README shows it: independent gRPC clients against the real service."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.kit.stack import Stack, running

ROOT = Path(__file__).parents[2]
REQUEST = json.dumps(
    {"spec": {"model": "gpt-4o", "messages": [{"role": "ROLE_USER", "parts": [{"text": "Hi."}]}]}}
)
# Installed by `make tools` where Go is at hand; buf comes with the toolchain.
GRPCURL = shutil.which("grpcurl") or ""
PROBE = shutil.which("grpc_health_probe") or ""


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    async with running(tmp_path) as stack:
        yield stack


async def run(*command: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=ROOT
    )
    out, _ = await asyncio.wait_for(child.communicate(), 30)
    return child.returncode or 0, out.decode()


async def buf(stack: Stack, method: str, request: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{stack.app.server.port}/aiprovider.v1.{method}"
    command = ("buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge")
    return await run(*command, "-d", request, url)


async def test_buf_curl_unary(stack: Stack) -> None:
    """Buf curl finds the method by reflection and prints the answer."""
    code, out = await buf(stack, "CompletionService/Complete", REQUEST)

    assert 0 == code, out
    assert "Hello from openai" in json.loads(out)["message"]["parts"][0]["text"]


async def test_buf_curl_stream(stack: Stack) -> None:
    """Buf curl prints every event of a stream, up to the finish."""
    code, out = await buf(stack, "CompletionService/StreamComplete", REQUEST)

    assert 0 == code, out
    assert '"started"' in out
    assert '"finished"' in out


async def test_buf_curl_error(stack: Stack) -> None:
    """A failure's exit code is eight times its gRPC code, and the reason is in the details."""
    code, out = await buf(stack, "CompletionService/Complete", REQUEST.replace("gpt-4o", "nope"))

    assert 8 * 5 == code
    assert "nope" in out
    assert "google.rpc.ErrorInfo" in out


async def test_buf_curl_lists_services(stack: Stack) -> None:
    """Reflection lists the services."""
    url = f"http://127.0.0.1:{stack.app.server.port}"
    command = ("buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge")
    code, out = await run(*command, "--list-services", url)

    assert 0 == code, out
    assert "aiprovider.v1.CompletionService" in out.split()


if GRPCURL:

    async def test_grpcurl(stack: Stack) -> None:
        """Grpcurl does the same, by reflection v1."""
        target = f"127.0.0.1:{stack.app.server.port}"
        method = "aiprovider.v1.CompletionService/Complete"
        code, out = await run(GRPCURL, "-plaintext", "-d", REQUEST, target, method)

        assert 0 == code, out
        assert "Hello from openai" in out


if PROBE:

    async def test_grpc_health_probe(stack: Stack) -> None:
        """The probe that Kubernetes used to use agrees."""
        target = f"-addr=127.0.0.1:{stack.app.server.port}"
        code, out = await run(PROBE, target, "-service=readiness")

        assert 0 == code, out
        assert "SERVING" in out

"""Each directive of docs/adversary.md on the wire, to a real HTTP client."""

from __future__ import annotations

import asyncio
import gzip
import socket
import sys
import time
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from service.adversary import Adversary
from tests.kit import asking
from tests.kit.asking import answered, families, in_name, streams
from tests.kit.wire import Client, request_bytes, talking, wire

# What is in the answer itself: the bytes are those of the pure function, which has its own tests.
CONTENT = [
    "",
    "status=503",
    "status=429; retry-after=Wed, 21 Oct 2026 07:28:00 GMT",
    *(f"error={kind}" for kind in ("content_policy", "context_overflow", "quota", "rate")),
    *("error=model_missing", "error=key_invalid"),
    *("tokens=3", "delta=1KB; tokens=2", "finish=length", "refusal", "reasoning", "usage=rich"),
    *("unknown-fields", "redacted-thinking", "tools=2"),
    *("missing=usage", "missing=finish", "missing=done", "duplicate=done", "duplicate=finish"),
    *("malformed=sse", "malformed=json", "malformed=utf8", "truncate-json", "shape=wrong"),
    *("error-midstream", "content-type=text/html", "empty"),
]


@pytest.fixture
async def client() -> AsyncGenerator[Client, None]:
    async with talking() as client:
        yield client


@families
@streams
@pytest.mark.parametrize("said_in", ["name", "header"])
async def test_content(client: Client, family: str, stream: bool, said_in: str) -> None:
    """Said in the model's name or in the header, a directive makes the same answer."""
    wrong: list[str] = []
    for said in CONTENT:
        tools = asking.TOOLS[family] if "tools" in said else {}
        expected = answered(family, in_name(said), stream=stream, **tools)
        name, more = (in_name(said), tools) if said_in == "name" else ("", {**tools, "said": said})
        response, body = await client.ask(family, name, stream=stream, **more)
        headers = {**expected.headers, "content-type": expected.content_type}
        heard = {key: response.headers.get(key) for key in headers}
        if (expected.status, headers) != (response.status, heard):
            wrong.append(f"{said}: {response.status} {heard}")
        if b"".join(expected.pieces) != body:
            wrong.append(f"{said}: {body!r}")

    assert [] == wrong


@pytest.mark.parametrize(
    ("directives", "at_least_s"),
    [
        ("latency=60ms", 0.06),
        ("latency=60ms; status=503", 0.06),
        ("rate=200; tokens=5", 10 / 200),
        ("drip=1000; shape=wrong", 70 / 1000),
    ],
)
async def test_slowness(client: Client, directives: str, at_least_s: float) -> None:
    """A pause, a rate of events or of bytes takes its time, and changes no byte."""
    expected = answered("openai", in_name(directives), stream=True)
    started = time.monotonic()
    _, body = await client.ask("openai", in_name(directives), stream=True)
    took_s = time.monotonic() - started

    # Each of several timers may ring a tick of the clock early.
    assert 0.85 * at_least_s <= took_s
    assert b"".join(expected.pieces) == body


@families
@streams
async def test_gzip(client: Client, family: str, stream: bool) -> None:
    """A packed answer says so, and is the plain one when it is unpacked."""
    response, body = await client.ask(family, "+gzip", stream=stream)

    assert "gzip" == response.headers["content-encoding"]
    assert b"".join(answered(family, stream=stream).pieces) == gzip.decompress(body)


async def test_gzip_bomb(client: Client) -> None:
    """A megabyte unpacks to a gigabyte of nothing."""
    response, body = await client.ask("openai", "+gzip-bomb")
    block_bytes = (len(body) - 12) // 100
    block = body[10 : 10 + block_bytes]

    assert "gzip" == response.headers["content-encoding"]
    assert len(body) < 2_000_000
    assert block * 100 == body[10:-2]
    assert b" " * 10_000_000 == zlib.decompressobj(-15).decompress(block)


async def test_header_bomb(client: Client) -> None:
    """A header of a megabyte precedes a good answer."""
    response, body = await client.ask("openai", "+header-bomb")

    assert b"".join(answered("openai").pieces) == body
    assert 1_000_000 == len(response.headers["x-bomb"])


async def test_line_bomb() -> None:
    """The line never ends; when a fast reader has had enough of it, others are served."""
    async with another_process() as adversary:
        for _ in range(3):
            begin = await asyncio.to_thread(gulp, adversary, "+line-bomb", 20_000_000)
            async with wire(adversary, "openai") as after:
                await after.until("open", 100)

            assert b"data: zzz" in begin
            assert begin.count(b"\r\n") == begin.count(b"\n"), "only the framing has line ends"


def gulp(adversary: Adversary, directives: str, size: int) -> bytes:
    """Reads so many bytes as fast as it can, and hangs up."""
    with socket.create_connection(("127.0.0.1", adversary.port), timeout=2) as connection:
        connection.sendall(request_bytes(adversary, "openai", directives, stream=True))
        received = bytearray()
        while len(received) < size:
            received += connection.recv(1_000_000)
    return bytes(received)


@asynccontextmanager
async def another_process() -> AsyncGenerator[Adversary, None]:
    """An adversary that cannot wait for this process to read."""
    program = "import sys; from service.adversary import main; main(sys.argv[1:])"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "--port", "0", "--print-env"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        yield Adversary(int(line.rpartition(":")[2].partition("/")[0]))
    finally:
        process.kill()
        await process.communicate()


async def test_a_refused_connection(client: Client) -> None:
    """Where `refused_url` leads, nothing listens."""
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.session.post(client.adversary.refused_url("gemini"))

"""Two clients of the adversary: aiohttp, and one that sees every byte and how it all ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from service.adversary import Adversary
from tests.kit import asking

_DEADLINE_S = 2.0


@dataclass
class Client:
    adversary: Adversary
    session: aiohttp.ClientSession

    async def ask(
        self, family: str = "openai", directives: str = "", *, stream: bool = False, **more: Any
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """`directives` go into the model's name, `said` into the header."""
        url = self.adversary.url(family) + asking.path(family, directives, stream=stream)
        said = {"x-adversary": more.pop("said")} if "said" in more else {}
        async with self.session.post(
            URL(url, encoded=True),
            json=asking.body(family, directives, stream=stream, **more),
            headers={**asking.KEYS[family], **said},
        ) as response:
            return response, await response.read()


@asynccontextmanager
async def talking(**options: Any) -> AsyncGenerator[Client, None]:
    """A client and its adversary. `options` are the adversary's."""
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=5), auto_decompress=False, max_field_size=2_000_000
    )
    async with Adversary(**options) as adversary, session:
        yield Client(adversary, session)


class Wire(asyncio.Protocol):
    """One connection. `ending` is "open", "closed" or "reset"."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ending = "open"
        self._changed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ending = "reset" if isinstance(exc, ConnectionResetError) else "closed"
        self._changed.set()

    @property
    def head(self) -> str:
        """The status line and the headers, in lower case."""
        return bytes(self.received).partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def body(self) -> bytes:
        """What has come of the body, out of its chunks."""
        body = bytes(self.received).partition(b"\r\n\r\n")[2]
        if "transfer-encoding: chunked" not in self.head:
            return body
        whole = b""
        while body:
            size, _, rest = body.partition(b"\r\n")
            whole, body = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return whole

    @property
    def is_whole(self) -> bool:
        """Whether the framing says that the body is over."""
        if "content-length: " in self.head:
            length = self.head.partition("content-length: ")[2].split("\r\n")[0]
            return int(length) == len(self.body)
        if "chunked" in self.head:
            return self.received.endswith(b"\r\n0\r\n\r\n")
        return self.ending == "closed"

    async def until(self, ending: str, size: int) -> None:
        """Waits for so many bytes of the body, and for the end unless `ending` is "open"."""
        async with asyncio.timeout(_DEADLINE_S):
            while len(self.body) < size or (ending != "open" and self.ending == "open"):
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def wire(
    adversary: Adversary, family: str, directives: str = "", *, stream: bool = False
) -> AsyncGenerator[Wire, None]:
    """A request has been sent; leaving hangs up."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(Wire, "127.0.0.1", adversary.port)
    try:
        transport.write(request_bytes(adversary, family, directives, stream=stream))
        yield protocol
    finally:
        transport.close()


def request_bytes(
    adversary: Adversary, family: str, directives: str = "", *, stream: bool = False
) -> bytes:
    base = adversary.url(family).partition(f":{adversary.port}")[2]
    body = json.dumps(asking.body(family, directives, stream=stream)).encode()
    lines = [
        f"POST {base}{asking.path(family, directives, stream=stream)} HTTP/1.1",
        *(f"{name}: {value}" for name, value in asking.KEYS[family].items()),
        f"content-length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

"""Watches the bytes below the library, for it ends streams clean that the provider broke off.

litellm 1.109 makes up a finish reason `stop` when a stream of Gemini or Anthropic ends without
one. Whether the provider really said how its answer ended is read from the wire.
"""

from __future__ import annotations

import contextvars
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

# Unescaped, so that a model that writes these words in its answer proves nothing.
_ENDINGS = re.compile(rb'(?<!\\)"(?:finishReason|stop_reason|finish_reason)"\s*:\s*"')
_CARRY_BYTES = 64


@dataclass(slots=True)
class Witness:
    """What was seen during one call."""

    ended: bool = False
    """The provider said how its answer ended."""
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    response: httpx.Response | None = None

    async def aclose(self) -> None:
        """Closes the connection unless its body was read to the end."""
        if self.response is not None:
            await self.response.aclose()


current: contextvars.ContextVar[Witness | None] = contextvars.ContextVar("witness", default=None)


class WitnessTransport(httpx.AsyncBaseTransport):
    """Passes everything on, and tells the current call's witness."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        witness = current.get()
        if witness is not None:
            witness.headers = response.headers
            witness.response = response
            stream: Any = response.stream
            response.stream = _WitnessedStream(stream, witness)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _WitnessedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, witness: Witness) -> None:
        self._inner = inner
        self._witness = witness

    async def __aiter__(self) -> AsyncIterator[bytes]:
        carry = b""
        async for chunk in self._inner:
            if not self._witness.ended:
                seen = carry + chunk
                self._witness.ended = _ENDINGS.search(seen) is not None
                carry = seen[-_CARRY_BYTES:]
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def client() -> httpx.AsyncClient:
    """A client whose calls are witnessed. Time limits are the caller's."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    transport = WitnessTransport(httpx.AsyncHTTPTransport(limits=limits))
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(None, connect=5.0))

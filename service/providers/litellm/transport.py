"""The transport that litellm's HTTP clients are built on: every request of a call of ours goes
through that call's Exchange. Requests of nobody's call go where the library would send them.

Imported only together with litellm.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx

from service.domain.errors import ProviderFailure
from service.providers.litellm.exchange import Body, current


class WatchedTransport(httpx.AsyncBaseTransport):
    """`plain` serves requests outside of any Exchange."""

    def __init__(self, plain: httpx.AsyncBaseTransport) -> None:
        self._plain = plain

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError, as the library expects."""
        exchange = current.get(None)
        if exchange is None:
            return await self._plain.handle_async_request(request)
        if request.method != "POST":
            # Fetching media or models: a provider does that itself, or not at all.
            message = f"a call does not {request.method} anything"
            raise httpx.UnsupportedProtocol(message, request=request)
        headers = dict(request.headers.items())
        try:
            body = await exchange.post(str(request.url), await request.aread(), headers)
        except ProviderFailure as failure:
            raise httpx.ConnectError(failure.message, request=request) from failure
        if body.is_failure:
            content = await body.error()
            return httpx.Response(body.status, headers=body.headers, content=content)
        return httpx.Response(body.status, headers=body.headers, stream=_Stream(body))

    async def aclose(self) -> None:
        await self._plain.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, body: Body) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async with aclosing(self._body.chunks()) as chunks:
                async for chunk in chunks:
                    yield chunk
        except ProviderFailure as failure:
            raise httpx.ReadError(failure.message) from failure

    async def aclose(self) -> None:
        await self._body.aclose()

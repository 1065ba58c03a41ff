"""HTTP to one provider: a pool of connections, bounds on everything read, a close that closes.

Knows no wire format. Every failure to get an answer is a ProviderFailure; a status of 300 or more
is an answer.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import io
import time
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.providers.retry_after import retry_after_s
from service.providers.wire import invalid_answer

_ERROR_BODY_BYTES_MAX = 64 * 1024
# Above this aiohttp wants a file-like body, which it writes piece by piece.
_WRITE_WHOLE_BYTES_MAX = 512 * 1024
# How long the end of a body may lag behind its last event before the connection is given up.
_DRAIN_S = 0.02
_IDENTITY = ("", "identity")
_ZLIB_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 47}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is, and how much of it is tolerated. Sizes are after decompression."""

    name: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    connect_timeout_s: float = 5.0
    connections_max: int = 512
    response_bytes_max: int = 64 * 1024 * 1024
    event_bytes_max: int = 4 * 1024 * 1024


class Answer:
    """The head of an answer, and its body still to be read."""

    def __init__(self, response: aiohttp.ClientResponse, endpoint: Endpoint) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.content_type = response.headers.get("content-type", "").partition(";")[0].lower()
        transfer = response.headers.get("transfer-encoding", "").lower()
        # Else the body ends where the connection does, and nobody can tell an end from a cut.
        self.framed = "content-length" in response.headers or "chunked" in transfer
        self._content = response.content
        self._endpoint = endpoint
        encoding = response.headers.get("content-encoding", "").strip().lower()
        self._inflate = None if encoding in _IDENTITY else self._inflater(encoding)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, decompressed. Raises ProviderFailure when it is cut or too big."""
        left = self._endpoint.response_bytes_max
        try:
            async for raw in self._content.iter_any():
                chunk = raw if self._inflate is None else self._inflated(self._inflate, raw, left)
                left -= len(chunk)
                if left < 0:
                    raise self._too_big()
                yield chunk
        except aiohttp.ClientError as error:
            raise ProviderFailure(
                ErrorReason.PROVIDER_UNAVAILABLE,
                f"the connection to {self._endpoint.name} broke in the middle of its answer",
                http_status=self.status,
            ) from error
        if self._inflate is not None and not self._inflate.eof:
            raise invalid_answer(self._endpoint.name, "its compressed body is cut short")

    async def body(self) -> bytes:
        """The whole body. Raises as `chunks` does."""
        declared = self.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._endpoint.response_bytes_max:
            raise self._too_big()
        return b"".join([chunk async for chunk in self.chunks()])

    async def error_body(self) -> bytes:
        """As much of the body as explains an error; never raises ProviderFailure."""
        pieces: list[bytes] = []
        size_bytes = 0
        try:
            async with aclosing(self.chunks()) as chunks:
                async for chunk in chunks:
                    pieces.append(chunk)
                    size_bytes += len(chunk)
                    if size_bytes >= _ERROR_BODY_BYTES_MAX:
                        break
        except ProviderFailure:
            pass  # The status alone says enough.
        return b"".join(pieces)

    async def drained(self) -> bool:
        """Whether the body ends here, so that the connection can be used again."""
        if self._content.at_eof():
            return True
        try:
            async with asyncio.timeout(_DRAIN_S):
                rest = await self._content.readany()
        except (TimeoutError, aiohttp.ClientError):
            return False
        return not rest and self._content.at_eof()

    def retry_after_s(self) -> float | None:
        """What the provider's headers ask for, in seconds from now; None if they do not."""
        return retry_after_s(self.headers, time.time())

    def _inflater(self, encoding: str) -> Any:
        wbits = _ZLIB_WBITS.get(encoding)
        if wbits is None:
            raise invalid_answer(
                self._endpoint.name, f"content-encoding {encoding[:40]!r}, which was not asked for"
            )
        return zlib.decompressobj(wbits)

    def _inflated(self, inflate: Any, raw: bytes, left: int) -> bytes:
        # One byte more than is allowed is enough to know that it is too much: a bomb stays small.
        try:
            chunk: bytes = inflate.decompress(raw, left + 1)
        except zlib.error as error:
            raise invalid_answer(
                self._endpoint.name, f"its compression is broken ({error})"
            ) from None
        if inflate.unconsumed_tail:
            raise self._too_big()
        return chunk

    def _too_big(self) -> ProviderFailure:
        limit = self._endpoint.response_bytes_max
        return invalid_answer(self._endpoint.name, f"a body of more than {limit} bytes")


class HttpClient:
    """A pool of connections to one provider."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<HttpClient {self.endpoint.name} {self.endpoint.base_url}>"

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Answer]:
        """Sends a JSON body; the answer's head has arrived when the block begins.

        Leaving the block with an unread body, by an exception or by cancellation closes the
        connection at once, even while the request is still being written.
        """
        return self._exchange(path, body, headers)

    def get(self, path: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Answer]:
        """As `post`, without a body."""
        return self._exchange(path, None, headers)

    @asynccontextmanager
    async def _exchange(
        self, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncGenerator[Answer, None]:
        lane = _Lane()
        whole = False
        _lane.set(lane)
        try:
            response = await self._send(path, body, headers)
            try:
                answer = Answer(response, self.endpoint)
                yield answer
                whole = await answer.drained()
            finally:
                response.release() if whole else response.close()
        finally:
            if not whole:
                lane.abort()

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _send(
        self, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        session = self._session or self._open_session()
        url = self.endpoint.base_url + path
        try:
            if body is None:
                return await session.get(url, headers=headers, allow_redirects=False)
            data = body if len(body) <= _WRITE_WHOLE_BYTES_MAX else io.BytesIO(body)
            return await session.post(url, data=data, headers=headers, allow_redirects=False)
        except (aiohttp.ClientResponseError, aiohttp.InvalidURL, ValueError) as error:
            # The head of the answer breaks HTTP, or its bounds.
            raise invalid_answer(self.endpoint.name, f"its head is not HTTP ({error})") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderFailure(
                ErrorReason.PROVIDER_UNAVAILABLE,
                f"{self.endpoint.name} cannot be reached at {self.endpoint.base_url}:"
                f" {_words(error)}",
                unheard=_lost(error),
            ) from error

    def _open_session(self) -> aiohttp.ClientSession:
        # On the first call: a session wants a running loop.
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=self.endpoint.connections_max),
            headers={
                "content-type": "application/json",
                "accept-encoding": "identity",
                "user-agent": "ai-provider-service",
                **self.endpoint.headers,
            },
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.endpoint.connect_timeout_s),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session


class _Lane:
    """The transport that a request was given, so that its end can be forced."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None

    def abort(self) -> None:
        # A plain close waits until all is written, for ever if the provider does not read.
        if self.transport is not None:
            self.transport.abort()


_lane: contextvars.ContextVar[_Lane] = contextvars.ContextVar("lane")


class _Connector(aiohttp.TCPConnector):
    """Notes which transport a request was given."""

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(*args, **kwargs)
        _lane.get().transport = connection.transport
        return connection


def _lost(error: BaseException) -> bool:
    """Whether a connection that stood was lost before any byte of the answer."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return True
    return (
        isinstance(error, aiohttp.ClientOSError)
        and not isinstance(error, aiohttp.ClientConnectorError)
        and error.errno in (errno.ECONNRESET, errno.EPIPE)
    )


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it did not accept the connection in time"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    return str(error) or type(error).__name__

"""Reads along below the library, with our own codec, for it passes broken answers off as whole.

litellm 1.109 makes up a finish reason `stop` when a stream of Gemini or Anthropic ends without
one, skips events that are not JSON, drops refusals from streams, and tells errors apart by their
words. For the families that we know, the wire itself is asked: how the answer ended, what it
consumed, what an error means.
"""

from __future__ import annotations

import contextvars
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import httpx

from service.domain.completion import Ending, Part, Refusal
from service.domain.errors import ProviderFailure
from service.domain.events import PartDone
from service.domain.reasons import ErrorReason
from service.providers.litellm.arguments import merged
from service.providers.sse import SseReader
from service.providers.wire import WireFamily, invalid_answer

_EVENT_BYTES_MAX = 4 * 1024 * 1024
_BODY_BYTES_MAX = 64 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_ANY_ZLIB = 47
_FAILURE_STATUS = 300
_JSON = "application/json"
_EVENT_STREAM = "text/event-stream"


class Witness:
    """What was seen of one call. `ending` is None until the answer is known to be whole."""

    def __init__(self, family: WireFamily) -> None:
        self.ending: Ending | None = None
        self.failure: ProviderFailure | None = None
        self.refusal: Part | None = None
        self.status = 0
        self.headers = httpx.Headers()
        self.options: Sequence[Mapping[str, Any]] = ()
        """What is laid over the body that the library sends."""
        self._family = family
        self._response: httpx.Response | None = None
        self._reader: SseReader | None = None
        self._decoder = family.stream_decoder()
        self._body = bytearray()

    def answered(self, response: httpx.Response) -> None:
        """Raises ProviderFailure when the answer is of a type that cannot be one."""
        self.status, self.headers, self._response = response.status_code, response.headers, response
        content_type = response.headers.get("content-type", "").partition(";")[0].lower()
        if content_type == _EVENT_STREAM:
            self._reader = SseReader(self._family.name, _EVENT_BYTES_MAX)
        elif self.status < _FAILURE_STATUS and content_type not in ("", _JSON):
            self.failure = invalid_answer(self._family.name, f"content-type {content_type[:80]!r}")
            raise self.failure

    def broke(self) -> None:
        """The connection ended before the body did."""
        if self.failure is None and self.status < _FAILURE_STATUS:
            message = f"the connection to {self._family.name} broke in the middle of its answer"
            self.failure = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, message)

    def see(self, chunk: bytes) -> None:
        """Raises ProviderFailure when the answer is beyond its bounds."""
        if self._reader is None or self.status >= _FAILURE_STATUS:
            self._body += chunk
            if len(self._body) > _BODY_BYTES_MAX:
                what = f"a body of more than {_BODY_BYTES_MAX} bytes"
                self.failure = invalid_answer(self._family.name, what)
                raise self.failure
        elif self.failure is None and self.ending is None:
            try:
                for event in self._reader.feed(chunk):
                    self._note(self._decoder.feed(event))
            except ProviderFailure as failure:
                self.failure = failure
                raise

    def seen_all(self) -> None:
        """The body ended as its framing promised."""
        if self.status >= _FAILURE_STATUS or self.failure or self.ending:
            return
        try:
            if self._reader is None:
                self.ending = self._family.completion(bytes(self._body)).ending
            else:
                self._note(self._decoder.close(framed=True))
        except ProviderFailure as failure:
            self.failure = failure

    def explained(self) -> ProviderFailure | None:
        """What the wire says went wrong, None if it says nothing."""
        if self.status >= _FAILURE_STATUS:
            failure = self._family.failure(self.status, bytes(self._body))
            failure.http_status = self.status
            return failure
        return self.failure

    async def aclose(self) -> None:
        """Closes the connection unless its body was read to the end."""
        if self._response is not None:
            await self._response.aclose()

    def _note(self, events: Any) -> None:
        for event in events:
            if isinstance(event, Ending):
                self.ending = event
            elif isinstance(event, PartDone) and isinstance(event.part, Refusal):
                self.refusal = event.part


current: contextvars.ContextVar[Witness | None] = contextvars.ContextVar("witness", default=None)


class WitnessTransport(httpx.AsyncBaseTransport):
    """Passes everything on, and shows it to the current call's witness."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # What is read along must be plain.
        request.headers["accept-encoding"] = "identity"
        witness = current.get()
        if witness is not None and witness.options:
            request = _optioned(request, witness.options)
        response = await self._inner.handle_async_request(request)
        if witness is None:
            return response
        stream: Any = response.stream
        try:
            witness.answered(response)
        except ProviderFailure:
            await stream.aclose()
            raise
        packed = response.headers.pop("content-encoding", "identity") != "identity"
        response.stream = _WitnessedStream(stream, witness, packed=packed)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _optioned(request: httpx.Request, options: Sequence[Mapping[str, Any]]) -> httpx.Request:
    headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"content-length"]
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        content=merged(request.content, options),
        extensions=request.extensions,
    )


class _WitnessedStream(httpx.AsyncByteStream):
    """`packed` bodies, which nobody asked for, are unpacked here: in pieces, within bounds."""

    def __init__(self, inner: httpx.AsyncByteStream, witness: Witness, *, packed: bool) -> None:
        self._inner = inner
        self._witness = witness
        self._unpacker: Any = zlib.decompressobj(_ANY_ZLIB) if packed else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                for piece in (chunk,) if self._unpacker is None else self._unpacked(chunk):
                    self._witness.see(piece)
                    yield piece
        except (httpx.TransportError, zlib.error):
            self._witness.broke()
            raise
        self._witness.seen_all()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield self._unpacker.decompress(chunk, _PIECE_BYTES)
            chunk = self._unpacker.unconsumed_tail


def client() -> httpx.AsyncClient:
    """A client whose calls are witnessed. Time limits are the caller's."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    transport = WitnessTransport(httpx.AsyncHTTPTransport(limits=limits))
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(None, connect=5.0))

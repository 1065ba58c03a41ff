"""Reads along below the library, for it passes broken answers off as whole.

litellm 1.109 makes up a finish reason `stop` when a stream of Gemini or Anthropic ends without
one, skips events that are not JSON, drops refusals from streams, and tells errors apart by their
words. So all that it sends and receives goes through here. For the families that we know our own
codec says how an answer ended, what it consumed, what an error means; for the others a scan
(`wholeness.py`) says whether the answer is whole. Sizes are bounded, redirects are not followed.
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
from service.providers.http import Endpoint
from service.providers.litellm.arguments import merged
from service.providers.litellm.library import NO_KEY
from service.providers.litellm.wholeness import EVENT_STREAM, Scan, scan_of
from service.providers.sse import SseReader
from service.providers.wire import WireFamily, invalid_answer, unsupported

_PIECE_BYTES = 1024 * 1024
_ANY_ZLIB = 47
_FAILURE_STATUS = 300
_JSON = "application/json"
_KEYLESS = (NO_KEY.encode(), b"Bearer " + NO_KEY.encode())
_SIGNED = b"AWS4-HMAC"


class FamilyScan:
    """A Scan (`wholeness.py`) by our own codec: it also tells the ending, and a refusal."""

    def __init__(self, family: WireFamily, content_type: str, event_bytes_max: int) -> None:
        if content_type not in ("", _JSON, EVENT_STREAM):
            raise invalid_answer(family.name, f"content-type {content_type[:80]!r}")
        self.ending: Ending | None = None
        self.refusal: Part | None = None
        self._family = family
        self._body = bytearray()
        self._decoder = family.stream_decoder()
        self._reader: SseReader | None = None
        if content_type == EVENT_STREAM:
            self._reader = SseReader(family.name, event_bytes_max)

    @property
    def whole(self) -> bool:
        return self.ending is not None

    def feed(self, chunk: bytes) -> None:
        if self._reader is None:
            self._body += chunk
        elif self.ending is None:
            for event in self._reader.feed(chunk):
                self._note(self._decoder.feed(event))

    def close(self) -> None:
        if self.ending is not None:
            return
        if self._reader is None:
            self.ending = self._family.completion(bytes(self._body)).ending
        else:
            self._note(self._decoder.close(framed=True))

    def _note(self, events: Any) -> None:
        for event in events:
            if isinstance(event, Ending):
                self.ending = event
            elif isinstance(event, PartDone) and isinstance(event.part, Refusal):
                self.refusal = event.part


class Witness:
    """What was seen of one call. The library may ask twice, for a token first: the last counts."""

    def __init__(
        self,
        endpoint: Endpoint,
        pool: httpx.AsyncBaseTransport,
        family: WireFamily | None,
        *,
        stream: bool,
        options: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.failure: ProviderFailure | None = None
        self.status = 0
        self.headers = httpx.Headers()
        self._name = endpoint.name
        self._endpoint = endpoint
        self._pool = pool
        self._family = family
        self._stream = stream
        self._options = options
        self._response: httpx.Response | None = None
        self._scan: Scan | FamilyScan | None = None
        self._error_body = bytearray()

    @property
    def whole(self) -> bool:
        return self._scan is not None and self._scan.whole

    @property
    def ending(self) -> Ending | None:
        """As our own codec read it; None where the wire format is not ours."""
        return self._scan.ending if isinstance(self._scan, FamilyScan) else None

    @property
    def refusal(self) -> Part | None:
        return self._scan.refusal if isinstance(self._scan, FamilyScan) else None

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Sends a request of the library's. Raises what httpx does, and ProviderFailure."""
        self.failure, self.status, self._scan = None, 0, None
        response = await self._pool.handle_async_request(self._prepared(request))
        stream: Any = response.stream
        self._response = response
        self.status, self.headers = response.status_code, response.headers
        try:
            if self.status < _FAILURE_STATUS:
                self._scan = self._scan_of(response)
        except ProviderFailure as failure:
            self.failure = failure
            await stream.aclose()
            raise
        # Without it a redirect is an answer like any other: nobody is led elsewhere.
        response.headers.pop("location", None)
        packed = response.headers.pop("content-encoding", "identity") != "identity"
        response.stream = _WitnessedStream(stream, self, packed=packed)
        return response

    def see(self, chunk: bytes, size_bytes: int) -> None:
        """`size_bytes` is that of the body so far. Raises ProviderFailure beyond its bounds."""
        if self.failure is not None:
            return
        try:
            if size_bytes > self._endpoint.response_bytes_max:
                what = f"a body of more than {self._endpoint.response_bytes_max} bytes"
                raise invalid_answer(self._name, what)
            if self._scan is None:
                self._error_body += chunk
            else:
                self._scan.feed(chunk)
        except ProviderFailure as failure:
            self.failure = failure
            raise

    def seen_all(self) -> None:
        """The body ended as its framing promised."""
        if self._scan is None or self.failure is not None:
            return
        try:
            self._scan.close()
        except ProviderFailure as failure:
            self.failure = failure

    def broke(self) -> None:
        """The connection ended before the body did."""
        if self.failure is None and self.status < _FAILURE_STATUS:
            message = f"the connection to {self._name} broke in the middle of its answer"
            self.failure = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, message)

    def explained(self) -> ProviderFailure | None:
        """What the wire says went wrong, None if it says nothing."""
        if self.status < _FAILURE_STATUS or self._family is None:
            return self.failure
        failure = self._family.failure(self.status, bytes(self._error_body))
        failure.http_status = self.status
        return failure

    async def aclose(self) -> None:
        """Closes the connection unless its body was read to the end."""
        if self._response is not None:
            await self._response.aclose()

    def _scan_of(self, response: httpx.Response) -> Scan | FamilyScan:
        content_type = response.headers.get("content-type", "").partition(";")[0].lower()
        event_bytes_max = self._endpoint.event_bytes_max
        if self._family is not None:
            return FamilyScan(self._family, content_type, event_bytes_max)
        return scan_of(
            self._name, content_type, stream=self._stream, event_bytes_max=event_bytes_max
        )

    def _prepared(self, request: httpx.Request) -> httpx.Request:
        headers = [(k, v) for k, v in request.headers.raw if v not in _KEYLESS]
        # What is read along must be plain.
        headers = [(k, v) for k, v in headers if k.lower() != b"accept-encoding"]
        headers.append((b"accept-encoding", b"identity"))
        body: bytes | None = None
        is_json = request.headers.get("content-type", "").startswith(_JSON)
        if self._options and is_json:
            if request.headers.get("authorization", "").encode().startswith(_SIGNED):
                why = "litellm has signed the request, and nothing can be laid over it"
                self.failure = unsupported(self._name, "spec.provider_options", why)
                raise self.failure
            headers = [(k, v) for k, v in headers if k.lower() != b"content-length"]
            body = merged(request.content, self._options)
        # Time limits are the router's, but for this one.
        timeout = httpx.Timeout(None, connect=self._endpoint.connect_timeout_s).as_dict()
        extensions = {**request.extensions, "timeout": timeout}
        return httpx.Request(
            request.method,
            request.url,
            headers=headers,
            extensions=extensions,
            content=body,
            stream=request.stream if body is None else None,
        )


current: contextvars.ContextVar[Witness | None] = contextvars.ContextVar("witness", default=None)


class WitnessTransport(httpx.AsyncBaseTransport):
    """The only way out that the library has. It holds no connection: the call's witness does."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        witness = current.get()
        if witness is None:
            raise httpx.ConnectError("litellm asks for something outside of any call")
        return await witness.exchange(request)


class _WitnessedStream(httpx.AsyncByteStream):
    """`packed` bodies, which nobody asked for, are unpacked here: in pieces, within bounds."""

    def __init__(self, inner: httpx.AsyncByteStream, witness: Witness, *, packed: bool) -> None:
        self._inner = inner
        self._witness = witness
        self._unpacker: Any = zlib.decompressobj(_ANY_ZLIB) if packed else None
        self._size_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                for piece in (chunk,) if self._unpacker is None else self._unpacked(chunk):
                    self._size_bytes += len(piece)
                    self._witness.see(piece, self._size_bytes)
                    yield piece
        except (httpx.TransportError, zlib.error):
            self._witness.broke()
            raise
        if self._unpacker is not None and not self._unpacker.eof:
            self._witness.broke()
            raise httpx.ReadError("the compressed body is cut short")
        self._witness.seen_all()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield self._unpacker.decompress(chunk, _PIECE_BYTES)
            chunk = self._unpacker.unconsumed_tail


def pool(connections_max: int) -> httpx.AsyncBaseTransport:
    """The connections to one provider."""
    kept = min(100, connections_max)
    limits = httpx.Limits(max_connections=connections_max, max_keepalive_connections=kept)
    return httpx.AsyncHTTPTransport(limits=limits)

"""The HTTP side of one call through litellm: sends what the library wants sent, over our own
client with its bounds, and remembers the truth: the status, the failure, the bytes.

litellm's own HTTP client has no bound on sizes, follows redirects with our key, and hides a cut.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.domain.errors import ProviderFailure
from service.providers.http import Answer, Endpoint, HttpClient
from service.providers.litellm.witness import Witness
from service.providers.wire import invalid_answer

_FAILURE_STATUS = 300
# Ours say who asks; the library's describe a transport that is not used.
_OUR_HEADERS = frozenset(
    {"host", "connection", "content-length", "accept-encoding", "transfer-encoding", "user-agent"}
)
_TEXTS = ("", "application/json", "text/plain")
_STREAMS = ("text/event-stream", "application/x-ndjson", "application/jsonl")


class Pools:
    """One pool of connections for each origin that a provider's calls go to."""

    def __init__(self, endpoint: Callable[[str], Endpoint]) -> None:
        self._endpoint = endpoint
        self._clients: dict[str, HttpClient] = {}

    def at(self, url: str) -> tuple[HttpClient, str]:
        """The client for `url`, and the path to ask it for."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        client = self._clients.get(origin)
        if client is None:
            client = self._clients[origin] = HttpClient(self._endpoint(origin))
        return client, url[len(origin) :]

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer with a status of 300 or more."""

    status: int
    body: bytes
    retry_after_s: float | None


class Exchange:
    """Use it as a context: leaving it closes every connection that has not been read to its end."""

    def __init__(self, provider: str, pools: Pools, headers: Mapping[str, str]) -> None:
        self.asked = False
        self.failure: ProviderFailure | None = None
        self.refused: Refused | None = None
        self.witness: Witness | None = None
        self._provider = provider
        self._pools = pools
        self._headers = headers
        self._bodies: list[Body] = []
        self._over = False

    async def __aenter__(self) -> Exchange:
        self._token = current.set(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        current.reset(self._token)
        self._over = True
        for body in self._bodies:
            await body.abandon()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Body:
        """Raises ProviderFailure, and remembers it."""
        self.asked = True
        self.witness, self.refused, self.failure = None, None, None
        client, path = self._pools.at(url)
        sent = {name: value for name, value in headers.items() if _is_sent(name)}
        opened = client.post(path, body, {**sent, **self._headers})
        try:
            answer = await opened.__aenter__()
        except ProviderFailure as failure:
            self.failure = failure
            raise
        opened_body = Body(self, opened, answer, client.endpoint)
        self._bodies.append(opened_body)
        if self._over:  # The caller left while a task of the library was still asking.
            await opened_body.abandon()
            raise asyncio.CancelledError
        return opened_body


class Body:
    """An answer to one request, as the library reads it."""

    def __init__(
        self,
        exchange: Exchange,
        opened: AbstractAsyncContextManager[Answer],
        answer: Answer,
        endpoint: Endpoint,
    ) -> None:
        self.status = answer.status
        self._exchange = exchange
        self._opened: AbstractAsyncContextManager[Answer] | None = opened
        self._answer = answer
        self._endpoint = endpoint

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Without those that speak of the bytes on the wire, and without `location`."""
        hidden = ("content-encoding", "content-length", "transfer-encoding", "location")
        return [(k, v) for k, v in self._answer.headers.items() if k.lower() not in hidden]

    async def error(self) -> bytes:
        """The body of a failure, which is then closed."""
        body = await self._answer.error_body()
        self._exchange.refused = Refused(self.status, body, self._answer.retry_after_s())
        await self.aclose()
        return body

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Raises ProviderFailure, and remembers it."""
        is_stream = self._answer.content_type in _STREAMS
        event_bytes_max = self._endpoint.event_bytes_max if is_stream else None
        witness = Witness(
            bounded=self._answer.framed,
            readable=is_stream or self._answer.content_type in _TEXTS,
            event_bytes_max=event_bytes_max,
        )
        self._exchange.witness = witness
        try:
            async with aclosing(self._answer.chunks()) as chunks:
                async for chunk in chunks:
                    if not witness.feed(chunk):
                        raise self._too_long()
                    yield chunk
            witness.ended = True
        except ProviderFailure as failure:
            self._exchange.failure = failure
            raise

    async def aclose(self) -> None:
        """Keeps the connection if all of it was read."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def abandon(self) -> None:
        """Closes the connection at once, unless `aclose` came first."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(_Abandoned):
                await opened.__aexit__(_Abandoned, _Abandoned(), None)

    def _too_long(self) -> ProviderFailure:
        limit = self._endpoint.event_bytes_max
        return invalid_answer(self._endpoint.name, f"an event of more than {limit} bytes")

    @property
    def is_failure(self) -> bool:
        return self.status >= _FAILURE_STATUS


class _Abandoned(Exception):  # noqa: N818 - never seen outside of `abandon`
    pass


def _is_sent(name: str) -> bool:
    lower = name.lower()
    return lower not in _OUR_HEADERS and not lower.startswith("x-stainless-")


current: contextvars.ContextVar[Exchange] = contextvars.ContextVar("exchange")

"""The page over HTTP, in the service's own loop. Without a port there is no socket.

`GET /` and the files beside it need no key. `GET /api/METHOD?request=JSON` asks AnalyticsService.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from aiohttp import web
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import analytics_service_pb2_grpc as pb_grpc

from service.page.asking import Question, Questions, Refused
from service.page.doors import HEADERS, refusal
from service.page.files import File, files
from service.rpc.interceptors.guard import Guard

_API = "/api/"
_REQUESTS_MAX = 64
_KEEPALIVE_S = 30.0
_SHUTDOWN_S = 0.2
_JSON = "application/json; charset=utf-8"
_Code = grpc.StatusCode
# As google.rpc.Code lays them down.
_STATUSES: Mapping[grpc.StatusCode, int] = {
    _Code.CANCELLED: 499,
    _Code.INVALID_ARGUMENT: 400,
    _Code.DEADLINE_EXCEEDED: 504,
    _Code.NOT_FOUND: 404,
    _Code.ALREADY_EXISTS: 409,
    _Code.PERMISSION_DENIED: 403,
    _Code.UNAUTHENTICATED: 401,
    _Code.RESOURCE_EXHAUSTED: 429,
    _Code.FAILED_PRECONDITION: 400,
    _Code.ABORTED: 409,
    _Code.OUT_OF_RANGE: 400,
    _Code.UNIMPLEMENTED: 501,
    _Code.UNAVAILABLE: 503,
}


@dataclass(frozen=True, slots=True)
class PageTerms:
    """Where to listen; port 0 takes a free one. `names` as for `doors.refusal`."""

    host: str
    port: int
    names: frozenset[str] = frozenset()


class PageServer:
    """`start`, then `stop`. Who may see what is the guard's to say, at each question."""

    def __init__(
        self, terms: PageTerms, guard: Guard, servicer: pb_grpc.AnalyticsServiceServicer
    ) -> None:
        self.port = 0
        self._terms = terms
        self._names = terms.names | {terms.host}
        self._files = files()
        service = pb.DESCRIPTOR.services_by_name["AnalyticsService"]
        self._questions = Questions(guard, service, servicer)
        self._open_count = 0
        server = web.Server(
            self._handle,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=_KEEPALIVE_S,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)

    def __repr__(self) -> str:
        return f"<PageServer on port {self.port}, {self._open_count} open>"

    async def start(self) -> None:
        """Raises OSError if it cannot bind."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._terms.host, self._terms.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Closes the socket, and ends whoever still watches."""
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        problem = refusal(request.method, request.headers, self._names)
        if problem is not None:
            return _plain(405 if request.method != "GET" else 403, problem)
        if request.path.startswith(_API):
            return await self._api(request)
        file = self._files.get(request.path)
        return _plain(404, "there is no such page") if file is None else _served(request, file)

    async def _api(self, request: web.BaseRequest) -> web.StreamResponse:
        question = self._questions.get(request.path.removeprefix(_API))
        if question is None:
            return _plain(404, f"there are {', '.join(self._questions)}")
        if self._open_count >= _REQUESTS_MAX:
            return _plain(503, f"{_REQUESTS_MAX} questions are being answered: ask again later")
        self._open_count += 1
        try:
            return await self._answer(request, question)
        finally:
            self._open_count -= 1

    async def _answer(self, request: web.BaseRequest, question: Question) -> web.StreamResponse:
        events = _Events(request)
        text = request.query.get("request", "")
        try:
            body = await self._questions.ask(question, text, request.headers, events.tell)
        except Refused as refused:
            if events.response is None:
                return _refused(refused)
            await events.tell(refused.body, "failure")
            return events.response
        return events.response or _json(200, body)


class _Events:
    """A stream of server-sent events, which begins with the first of them."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self.response: web.StreamResponse | None = None

    async def tell(self, data: str, event: str = "message") -> None:
        if self.response is None:
            kept = {**HEADERS, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
            self.response = web.StreamResponse(headers=kept)
            await self.response.prepare(self._request)
        try:
            await self.response.write(f"event: {event}\ndata: {data}\n\n".encode())
        except ConnectionError:
            # Whoever watched has left; the guard knows that by this name.
            raise asyncio.CancelledError from None


def _served(request: web.BaseRequest, file: File) -> web.Response:
    headers = {**HEADERS, "ETag": file.etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == file.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.content, headers={**headers, "Content-Type": file.type})


def _json(status: int, body: str, more: Mapping[str, str] | None = None) -> web.Response:
    headers = {**HEADERS, "Content-Type": _JSON, "Cache-Control": "no-store", **(more or {})}
    return web.Response(status=status, body=body.encode(), headers=headers)


def _refused(refused: Refused) -> web.Response:
    more = {"X-Request-Id": refused.request_id}
    if refused.code is _Code.UNAUTHENTICATED:
        more["WWW-Authenticate"] = "Bearer"
    return _json(_STATUSES.get(refused.code, 500), refused.body, more)


def _plain(status: int, message: str) -> web.Response:
    more = {"Allow": "GET"} if status == 405 else None
    return _json(status, json.dumps({"message": message}), more)

"""A real HTTP server that takes webhooks, answers as it is told, and checks every signature."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
_KEY = b"0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Taken:
    """One request, and how it was answered."""

    at: float
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    status: int


class Receiver:
    """`plan` has the next answers: a status, one with headers, or None to say nothing at all."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Taken] = []
        self.plan: list[int | tuple[int, Mapping[str, str]] | None] = []
        self._came = asyncio.Event()
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def delivered(self) -> list[Mapping[str, Any]]:
        return [one.body for one in self.requests if 200 <= one.status < 300]

    async def start(self) -> None:
        """On the port that it had before, if it had one."""
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            self._over.set()
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def came(self, count: int, timeout_s: float = 5.0) -> None:
        """Once so many requests have come."""
        async with asyncio.timeout(timeout_s):
            while len(self.requests) < count:
                await self._came.wait()
                self._came.clear()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        answer = self.plan.pop(0) if self.plan else 204
        status, headers = answer if isinstance(answer, tuple) else (answer or 0, {})
        if not _is_signed(request.headers, body):
            status = 401
        taken = Taken(time.monotonic(), dict(request.headers), orjson.loads(body), status)
        self.requests.append(taken)
        self._came.set()
        if answer is None:
            await self._over.wait()
        return web.Response(status=status, headers=headers)


def _is_signed(headers: Mapping[str, str], body: bytes) -> bool:
    """As docs/alerts.md shows it."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.digest(_KEY, signed, hashlib.sha256)).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and hmac.compare_digest(f"v1,{digest}", headers["webhook-signature"])

"""One HTTP/1.1 connection, written on a bare protocol: every byte and every end is ours to choose.

A client that hangs up is noticed at once, whatever the answer is doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any

from service.adversary.answers import Answer
from service.adversary.recording import Recorded, Recorder

_HEAD_MAX_BYTES = 65_536
_FOREVER_S = 3600.0
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}
_numbers = itertools.count(1)

Respond = Callable[[Recorded], Answer]
Begin = Callable[[str, str, Mapping[str, str], bytes, int], Recorded]


class Connection(asyncio.Protocol):
    def __init__(
        self, begin: Begin, respond: Respond, recorder: Recorder, open_ones: set[Connection]
    ) -> None:
        self._begin = begin
        self._respond = respond
        self._recorder = recorder
        self._open_ones = open_ones
        self._number = next(_numbers)
        self._received = bytearray()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._current: Recorded | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # The protocol's own words.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP gives nothing else
        self._transport = transport
        self._open_ones.add(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._task is None or self._task.done():
            self._next_request()

    def connection_lost(self, exc: Exception | None) -> None:
        _ = exc
        self._open_ones.discard(self)
        self._writable.set()
        if self._current is not None and self._current.finished_at is None:
            self._recorder.hung_up(self._current, self._loop.time())
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def close(self) -> None:
        self._transport.abort()

    # Requests.

    def _next_request(self) -> None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > _HEAD_MAX_BYTES:
                self._transport.abort()
            return
        first, *lines = bytes(self._received[:end]).decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body, used = self._body(headers, end + 4)
        if body is None:
            return
        del self._received[:used]
        request = self._begin(method, path, headers, body, self._number)
        self._recorder.add(request)
        self._current = request
        self._task = self._loop.create_task(self._serve(request))

    def _body(self, headers: Mapping[str, str], start: int) -> tuple[bytes | None, int]:
        """None while it is incomplete, and how many bytes belong to the request."""
        if "chunked" in headers.get("transfer-encoding", ""):
            return self._chunked_body(start)
        size = int(headers.get("content-length", "0"))
        if len(self._received) < start + size:
            return None, 0
        return bytes(self._received[start : start + size]), start + size

    def _chunked_body(self, start: int) -> tuple[bytes | None, int]:
        body = bytearray()
        while True:
            line = self._received.find(b"\r\n", start)
            if line < 0:
                return None, 0
            size = int(bytes(self._received[start:line]), 16)
            start = line + 2
            if len(self._received) < start + size + 2:
                return None, 0
            body += self._received[start : start + size]
            start += size + 2
            if not size:
                return bytes(body), start

    # Answers.

    async def _serve(self, request: Recorded) -> None:
        answer = self._respond(request)
        with contextlib.suppress(asyncio.CancelledError):
            await self._play(answer, request)
            request.finished_at = self._loop.time()
            self._current = None
            if answer.scenario.framing == "close":
                self._transport.close()
        if self._received and not self._transport.is_closing():
            self._loop.call_soon(self._next_request)

    async def _play(self, answer: Answer, request: Recorded) -> None:
        scenario = answer.scenario
        if scenario.latency:
            await asyncio.sleep(scenario.latency)
        if scenario.hang == "headers":
            await asyncio.sleep(_FOREVER_S)
        self._transport.write(_head(answer))
        if scenario.hang == "first-token":
            await asyncio.sleep(_FOREVER_S)
        if answer.endless is not None:
            for piece in answer.endless:
                await self._send(piece, answer, request)
                await asyncio.sleep(0)  # a client that reads as fast must not starve the others
        plain = not (scenario.rate or scenario.drip or scenario.hang or scenario.cut_event >= 0)
        if plain and scenario.stall_after < 0 and scenario.cut < 0 and not answer.stream:
            await self._send(b"".join(answer.pieces), answer, request)
        else:
            for index, piece in enumerate(answer.pieces):
                if scenario.hang == "body":
                    await self._send(piece[: len(piece) // 2], answer, request)
                    await asyncio.sleep(_FOREVER_S)
                if index == scenario.stall_after:
                    await asyncio.sleep(_FOREVER_S)
                if index == scenario.cut_event:
                    self._cut(answer, request)
                await self._piece(piece, answer, request)
        if scenario.framing == "chunked":
            self._transport.write(b"0\r\n\r\n")

    async def _piece(self, piece: bytes, answer: Answer, request: Recorded) -> None:
        scenario = answer.scenario
        if 0 <= scenario.cut <= request.sent_bytes + len(piece):
            await self._send(piece[: scenario.cut - request.sent_bytes], answer, request)
            self._cut(answer, request)
        if scenario.drip:
            for start in range(len(piece)):
                await self._send(piece[start : start + 1], answer, request)
                await asyncio.sleep(1 / scenario.drip)
            return
        await self._send(piece, answer, request)
        if scenario.rate:
            await asyncio.sleep(1 / scenario.rate)

    async def _send(self, piece: bytes, answer: Answer, request: Recorded) -> None:
        if not piece:
            return
        request.sent_bytes += len(piece)
        if answer.scenario.framing == "chunked":
            piece = b"%x\r\n%b\r\n" % (len(piece), piece)
        self._transport.write(piece)
        await self._writable.wait()
        if self._transport.is_closing():
            await asyncio.sleep(_FOREVER_S)  # until connection_lost ends it, as a hang-up

    def _cut(self, answer: Answer, request: Recorded) -> None:
        # Ours, not the client's: it must not count as a hang-up.
        request.finished_at = self._loop.time()
        if answer.scenario.cut_mode == "rst":
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
        raise asyncio.CancelledError


def _head(answer: Answer) -> bytes:
    status = answer.status
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        f"content-type: {answer.content_type}",
    ]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    match answer.scenario.framing:
        case "chunked":
            lines.append("transfer-encoding: chunked")
        case "length":
            lines.append(f"content-length: {sum(map(len, answer.pieces))}")
        case _:
            lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def parsed(body: bytes) -> Any:
    """The body's JSON, None if it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None

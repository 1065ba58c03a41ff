"""Writes the events of one stream: counts them, joins deltas if asked to, breaks long silences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiprovider.v1 import completion_service_pb2 as pb

from service.rpc.forms import joined
from service.rpc.rest import tag, varint

# Proxies cut streams that are silent for a minute or more; providers think for longer.
KEEPALIVE_S = 15.0

Write = Callable[[bytes], Awaitable[None]]
_SEQUENCE_TAG = tag(pb.StreamCompleteResponse.SEQUENCE_FIELD_NUMBER, 0)
_KEEPALIVE = pb.StreamCompleteResponse(keepalive=pb.Keepalive()).SerializeToString()


class StreamWriter:
    """An async context; `sequence` is that of the last event written.

    With a `window_s` above 0, deltas that carry on the same part are held for up to that long and
    written as one. A Keepalive is written after `keepalive_s` without an event, once the stream
    has begun: before that nothing may be sent, or a client could not retry it elsewhere.
    """

    def __init__(
        self, write: Write, window_s: float = 0.0, keepalive_s: float = KEEPALIVE_S
    ) -> None:
        self.sequence = 0
        self._write = write
        self._window_s = window_s
        self._keepalive_s = keepalive_s
        self._held: pb.StreamCompleteResponse | None = None
        # Timers write from a task of their own; gRPC takes one write at a time.
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._last_write = 0.0
        self._keepalive_timer: asyncio.TimerHandle | None = None
        self._window_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for timer in (self._keepalive_timer, self._window_timer):
            if timer is not None:
                timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def write(self, response: pb.StreamCompleteResponse) -> None:
        """Writes an event, and before it what is held."""
        await self.write_frame(response.SerializeToString())

    async def write_frame(self, frame: bytes) -> None:
        """The same for an event that is in the words of the wire already, without its number."""
        async with self._turn:
            if self._held is not None:
                await self._write_held()
            await self._send(frame)
        if self._keepalive_timer is None:
            self._watch_silence(self._keepalive_s)

    async def write_delta(self, frame: bytes) -> None:
        """Writes a delta, or holds it back for the ones that follow within the window."""
        if not self._window_s:
            await self.write_frame(frame)
            return
        event = pb.StreamCompleteResponse.FromString(frame)
        async with self._turn:
            both = None if self._held is None else joined(self._held, event)
            if both is None and self._held is not None:
                await self._write_held()
            if event.WhichOneof("event") not in ("text", "reasoning"):
                await self._send(frame)
                return
            self._held = both or event
            if self._window_timer is None:
                self._window_timer = self._loop.call_later(self._window_s, self._window_ended)

    async def flush(self) -> None:
        """Writes what is held."""
        async with self._turn:
            if self._held is not None:
                await self._write_held()

    async def _write_held(self) -> None:
        held, self._held = self._held, None
        if self._window_timer is not None:
            self._window_timer.cancel()
            self._window_timer = None
        if held is not None:
            await self._send(held.SerializeToString())

    async def _send(self, frame: bytes) -> None:
        self.sequence += 1
        self._last_write = self._loop.time()
        await self._write(frame + _SEQUENCE_TAG + varint(self.sequence))

    def _window_ended(self) -> None:
        self._window_timer = None
        self._spawn(self.flush())

    def _watch_silence(self, delay_s: float) -> None:
        self._keepalive_timer = self._loop.call_later(delay_s, self._maybe_keepalive)

    def _maybe_keepalive(self) -> None:
        # One timer for the whole stream, moved on when it fires: deltas do not touch it.
        silent_s = self._loop.time() - self._last_write
        if silent_s >= self._keepalive_s and not self._turn.locked():
            self._spawn(self._keepalive())
            silent_s = 0.0
        self._watch_silence(max(self._keepalive_s - silent_s, 0.001))

    async def _keepalive(self) -> None:
        async with self._turn:
            await self._send(_KEEPALIVE)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # A write to a caller who left fails; the stream's own next write tells the servicer.
            task.exception()

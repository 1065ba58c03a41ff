"""A front of a local server that does to its connections what a bad network does.

It runs in a thread of its own: a test may set what it likes at any time, from anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import weakref
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

_CHUNK_BYTES = 65536
_TLS_HANDSHAKE = 0x16


class FaultyTcp:
    """In front of `target`, a port; it may be set later. With `tls` it takes both: TLS, and plain.

    latency_s: each piece of an answer comes so much later
    blackhole: nothing arrives on either side, and nothing breaks off
    garbage:   is what the server answers, whatever it answers
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.target = target
        self.port = 0
        self.latency_s = 0.0
        self.blackhole = False
        self.garbage: bytes | None = None
        self.accepted_count = 0
        """Connections ever."""
        self._tls = tls
        self._listening: socket.socket | None = None
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._all: weakref.WeakSet[asyncio.StreamWriter] = weakref.WeakSet()
        """With those that are closing."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"{'rediss' if self._tls else 'redis'}://127.0.0.1:{self.port}/0"

    @property
    def connected_count(self) -> int:
        """Connections that are there now, from the client's side."""
        return len(self._writers) // 2

    def start(self) -> None:
        self._thread.start()
        self.admit()

    def admit(self) -> None:
        """Takes connections, at the same port as before."""
        self._run(self._admit())

    def refuse(self) -> None:
        """Takes no connections; those that are there stay."""
        self._run(self._refuse())

    def cut(self) -> None:
        """Ends all connections as a server does that goes away."""
        self._run(self._end(abruptly=False))

    def reset(self) -> None:
        """Breaks all connections off."""
        self._run(self._end(abruptly=True))

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, doing: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(doing, self._loop).result(5.0)

    async def _admit(self) -> None:
        listening = self._listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(100)
        listening.setblocking(False)
        self.port = listening.getsockname()[1]
        self._spawn(self._accept(listening))

    async def _refuse(self) -> None:
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    async def _end(self, *, abruptly: bool) -> None:
        for writer in list(self._writers):
            if abruptly:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()

    async def _close(self) -> None:
        await self._refuse()
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        for writer in list(self._all):
            writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)

    def _spawn(self, doing: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listening: socket.socket) -> None:
        while listening is self._listening:
            try:
                connection, _ = await self._loop.sock_accept(listening)
            except OSError:
                return
            self.accepted_count += 1
            self._spawn(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            tls = self._tls if self._tls and await self._begins_with_tls(connection) else None
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=tls
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            connection.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        self._all.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._all.add(back)
        self._writers |= {writer, back}
        self._spawn(self._pass(reader, back, writer, answers=False))
        self._spawn(self._pass(there, writer, back, answers=True))

    async def _begins_with_tls(self, connection: socket.socket) -> bool:
        readable: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(connection, lambda: readable.done() or readable.set_result(None))
        try:
            await readable
        finally:
            self._loop.remove_reader(connection)
        return connection.recv(1, socket.MSG_PEEK) == bytes([_TLS_HANDSHAKE])

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        other: asyncio.StreamWriter,
        *,
        answers: bool,
    ) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await reader.read(_CHUNK_BYTES):
                if answers:
                    data = data if self.garbage is None else self.garbage
                    if self.latency_s:
                        await asyncio.sleep(self.latency_s)
                if self.blackhole:
                    continue
                writer.write(data)
                await writer.drain()
        for side in (writer, other):
            self._writers.discard(side)
            side.close()


@contextmanager
def faulty_tcp(target: int, tls: ssl.SSLContext | None = None) -> Generator[FaultyTcp, None, None]:
    front = FaultyTcp(target, tls)
    front.start()
    try:
        yield front
    finally:
        front.stop()

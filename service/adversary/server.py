"""The adversary as a server on loopback, and the words to direct it with."""

from __future__ import annotations

import asyncio
import collections
import json
import socket
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from service.adversary.answers import Answer, answer, family_of, models_answer
from service.adversary.connection import Connection, parsed
from service.adversary.recording import Recorded, Recorder
from service.adversary.scenario import Scenario

_HOST = "127.0.0.1"
_BASES = {
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
    "gemini": "/gemini/v1beta",
    "deepseek": "/deepseek/v1",
}
_CACHE_MAX = 256
_OK = 200
_HEADERS_THAT_COUNT = ("authorization", "x-api-key", "x-goog-api-key", "anthropic-version")


class Adversary:
    """`async with Adversary() as adversary:` serves until the block ends. Port 0 is a free one."""

    def __init__(self, port: int = 0, *, record: bool = True) -> None:
        self.port = port
        self._recorder = Recorder(bodies=record)
        self._scripts: list[tuple[str | None, Scenario, int | None]] = []
        self._seen: collections.Counter[str] = collections.Counter()
        self._cache: dict[tuple[str, bytes, tuple[str | None, ...]], Answer] = {}
        self._connections: set[Connection] = set()

    def __repr__(self) -> str:
        return f"<Adversary on port {self.port}, {len(self._connections)} connections>"

    @property
    def requests(self) -> Sequence[Recorded]:
        """What reached it since `clear`, oldest first."""
        return tuple(self._recorder.requests)

    @property
    def open_connection_count(self) -> int:
        return len(self._connections)

    @property
    def hangup_count(self) -> int:
        """How many clients hung up on an answer since `clear`."""
        return self._recorder.hangup_count

    def url(self, family: str = "openai") -> str:
        """The base URL to configure for `openai`, `anthropic`, `gemini` or `deepseek`."""
        return f"http://{_HOST}:{self.port}{_BASES[family]}"

    def refused_url(self, family: str = "openai") -> str:
        """As `url`, on a port where nothing listens."""
        with socket.socket() as free:
            free.bind((_HOST, 0))
            port: int = free.getsockname()[1]
        return f"http://{_HOST}:{port}{_BASES[family]}"

    def script(self, text: str, family: str | None = None, times: int | None = None) -> None:
        """Lays a scenario over the next requests: of one family or all, so many or for ever."""
        self._scripts.append((family, Scenario.parse(text), times))

    def unscript(self) -> None:
        """Forgets scripts, and nothing else."""
        self._scripts.clear()

    def clear(self) -> None:
        """Forgets scripts, records and counts."""
        self._scripts.clear()
        self._seen.clear()
        self._recorder.clear()

    async def wait_hangups(self, count: int, timeout_s: float = 1.0) -> None:
        """Returns when `count` clients have hung up since `clear`. Raises TimeoutError."""
        await self._recorder.wait_hangups(count, timeout_s)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, _HOST, self.port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        await asyncio.sleep(0)
        await self._server.wait_closed()

    def _connection(self) -> Connection:
        return Connection(self._begin, self._respond, self._recorder, self._connections)

    def _begin(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, connection: int
    ) -> Recorded:
        now = asyncio.get_running_loop().time()
        family, _ = family_of(path, headers)
        return Recorded(family, method, path, headers, body, connection, now)

    def _respond(self, request: Recorded) -> Answer:
        if request.path.startswith("/_adversary/"):
            return self._control(request)
        family, path = family_of(request.path, request.headers)
        try:
            said = self._said(family, request)
        except ValueError as error:
            return _plain(400, {"error": {"message": str(error)}})
        if request.method == "GET":
            return models_answer(family, path, request.headers, said, spent=self._spent)
        body = parsed(request.body)
        if said != Scenario() or b"first=" in request.body or "first=" in unquote(path):
            return answer(family, path, request.headers, body, said, spent=self._spent)
        key = (
            request.path,
            request.body,
            tuple(request.headers.get(name) for name in _HEADERS_THAT_COUNT),
        )
        known = self._cache.get(key)
        if known is None:
            known = answer(family, path, request.headers, body, said, spent=self._spent)
            if len(self._cache) < _CACHE_MAX and known.status == _OK:
                self._cache[key] = known
        return known

    def _spent(self, model: str, scenario: Scenario) -> bool:
        self._seen[model] += 1
        return self._seen[model] > scenario.first

    def _said(self, family: str, request: Recorded) -> Scenario:
        said = Scenario.parse(request.headers.get("x-adversary", ""))
        for index, (wanted, scenario, times) in enumerate(self._scripts):
            if wanted not in (None, family):
                continue
            if times is not None:
                if times <= 1:
                    del self._scripts[index]
                else:
                    self._scripts[index] = (wanted, scenario, times - 1)
            return said.over(scenario)
        return said

    def _control(self, request: Recorded) -> Answer:
        match request.path.rpartition("/")[2]:
            case "script":
                wish = parsed(request.body) or {}
                try:
                    times = wish.get("times")
                    times = None if times is None else int(times)
                    self.script(str(wish.get("scenario", "")), wish.get("family"), times)
                except (ValueError, TypeError, AttributeError) as error:
                    return _plain(400, {"error": str(error)})
                return _plain(200, {})
            case "clear":
                self.clear()
                return _plain(200, {})
            case "requests":
                return _plain(200, [_told(r) for r in self.requests])
            case _:
                return _plain(404, {"error": "known: script, clear, requests"})


def _told(request: Recorded) -> Mapping[str, object]:
    return {
        "family": request.family,
        "method": request.method,
        "path": request.path,
        "body": request.body.decode(errors="replace"),
        "hung_up": request.hung_up_at is not None,
        "sent_bytes": request.sent_bytes,
    }


def _plain(status: int, body: object) -> Answer:
    return Answer(status, [json.dumps(body).encode()], Scenario())

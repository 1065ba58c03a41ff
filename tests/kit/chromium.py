"""A real browser without a window, driven over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
_ADDRESS = re.compile(rb"DevTools listening on (ws://\S+)")
_START_S = 20.0
_ANSWER_S = 15.0
_POLL_S = 0.02


def path() -> str | None:
    """Where a Chromium is; None if there is none on PATH."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Tab:
    """One page. What it asked for and what went wrong is noted from its beginning on."""

    def __init__(self, browser: _Wire, session: str) -> None:
        self._browser = browser
        self._session = session
        self.problems: list[str] = []
        """Errors and warnings of the console, exceptions, and what the browser refused."""
        self.requests: list[str] = []
        """The URLs that were asked for."""
        browser.listeners[session] = self._heard

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return await self._browser.send(method, parameters, self._session)

    async def show(self, url: str, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Goes there, in a window of that size."""
        await self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])
        await self.send("Page.navigate", url=url)

    async def resize(self, width: int, height: int) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def evaluate(self, script: str) -> Any:
        """What an expression comes to, promises awaited. Raises AssertionError if it throws."""
        told = await self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in told:
            raise AssertionError(json.dumps(told["exceptionDetails"])[:600])
        return told["result"].get("value")

    async def until(self, script: str, within_s: float = 10.0) -> None:
        """Waits until an expression holds. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not await self.evaluate(f"Boolean({script})"):
                await asyncio.sleep(_POLL_S)

    async def press(self, key: str) -> None:
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            await self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text)

    async def picture(self, file: Path) -> None:
        """The whole page as a PNG."""
        told = await self.send("Page.captureScreenshot", captureBeyondViewport=True)
        await asyncio.to_thread(file.write_bytes, base64.b64decode(told["data"]))

    def _heard(self, method: str, what: Mapping[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(what["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning"):
            self.problems.append(json.dumps(what["args"])[:600])
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.problems.append(json.dumps(what["entry"])[:600])


class _Wire:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.listeners: dict[str, Callable[[str, Mapping[str, Any]], None]] = {}
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def send(
        self, method: str, parameters: Mapping[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        number = next(self._ids)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(
            message if session is None else {**message, "sessionId": session}
        )
        async with asyncio.timeout(_ANSWER_S):
            told = await waiting
        if "error" in told:
            raise AssertionError(f"{method}: {told['error']}")
        return told["result"]

    async def listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            waiting = self._waiting.pop(told.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(told)
            listener = self.listeners.get(told.get("sessionId", ""))
            if listener is not None and "method" in told:
                listener(told["method"], told["params"])


class Chromium:
    """One browser. Tabs share nothing: each has a context of its own."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    async def tab(self) -> Tab:
        context = await self._wire.send("Target.createBrowserContext", {})
        target = await self._wire.send("Target.createTarget", {"url": "about:blank", **context})
        attached = await self._wire.send(
            "Target.attachToTarget", {"targetId": target["targetId"], "flatten": True}
        )
        tab = Tab(self._wire, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            await tab.send(f"{domain}.enable")
        return tab


@asynccontextmanager
async def chromium() -> AsyncGenerator[Chromium]:
    """Starts it, and ends it with all its children."""
    binary = path()
    assert binary is not None, "no Chromium on PATH"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            binary,
            *_FLAGS,
            # Root has no sandbox of its own to enter.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_START_S):
                address = await _address(process)
            async with aiohttp.ClientSession() as session:
                socket = await session.ws_connect(address, max_msg_size=0)
                wire = _Wire(socket)
                listening = asyncio.create_task(wire.listen())
                drained = asyncio.create_task(_drain(process))
                try:
                    yield Chromium(wire)
                finally:
                    await wire.send("Browser.close", {})
                    await process.wait()
                    await asyncio.gather(listening, drained)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        found = _ADDRESS.search(line)
        if found:
            return found[1].decode()
    raise AssertionError("Chromium ended before it listened")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.read(65_536):
        pass

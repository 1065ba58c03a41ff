"""The service as a process: start, signals, reload, logs, and what it never does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider_client import Client, NotFoundError

from service.adversary import Adversary
from tests.kit.process import ROOT, Process


@pytest_asyncio.fixture
async def adversary() -> AsyncGenerator[Adversary, None]:
    async with Adversary() as adversary:
        yield adversary


async def test_start_and_sigterm(tmp_path: Path, adversary: Adversary) -> None:
    """SIGTERM lets a stream in flight finish, and the process ends with 0 and says so."""
    process = Process(tmp_path, adversary)
    try:
        async with (
            Client(process.target) as client,
            client.stream("gpt-4o+rate=20", "Hi.") as stream,
        ):
            texts = stream.texts()
            first = await anext(texts)
            process.child.send_signal(signal.SIGTERM)
            rest = [text async for text in texts]
        assert (first + "".join(rest)).startswith("Hello from openai")
        assert 0 == process.child.wait(10)
        assert "stopped" == process.lines()[-1]["event"]
    finally:
        process.stop()


async def test_where_the_time_of_quick_calls_goes(tmp_path: Path, adversary: Adversary) -> None:
    """The parts are the whole within a hundredth, also where each is a fraction of a ms."""
    process = Process(tmp_path, adversary)
    try:
        async with Client(process.target) as client:
            for number in range(40):
                prompt = f"Hi {number % 20}."
                timing = (await client.complete("gpt-4o", prompt)).raw.timing
                assert _total_s(timing) == pytest.approx(_parts_s(timing), rel=0.01)
                async with client.stream("gpt-4o", prompt) as stream:
                    _ = [text async for text in stream.texts()]
                timing = stream.answer.raw.timing
                assert _total_s(timing) == pytest.approx(_parts_s(timing), rel=0.01)
    finally:
        process.stop()


def _total_s(timing: pb.Timing) -> float:
    return timing.total_duration.ToNanoseconds() / 1e9


def _parts_s(timing: pb.Timing) -> float:
    return sum(
        getattr(timing, f"{name}_duration").ToNanoseconds() / 1e9
        for name in ("cache", "queue", "route", "provider", "serialise")
    )


async def test_the_log_holds_no_secret(tmp_path: Path, adversary: Adversary) -> None:
    """Every line is JSON, calls leave one each, and no key or prompt is in any."""
    adversary.script("status=401", times=1)
    process = Process(tmp_path, adversary, AI_PROVIDER_LOG_LEVEL="debug")
    try:
        async with Client(process.target) as client:
            with pytest.raises(Exception, match="CREDENTIALS"):
                await client.complete("gpt-4o", "my private words")
            await client.complete("gpt-4o", "my private words", request_id="r-42")
        process.child.send_signal(signal.SIGTERM)
        process.child.wait(10)
        calls = [line for line in process.lines() if line["event"] == "call"]
        assert ["INTERNAL", "OK"] == [line["code"] for line in calls]
        assert "r-42" == calls[1]["request_id"]
        assert "test-key-" not in process.log.read_text()
        assert "private words" not in process.log.read_text()
    finally:
        process.stop()


async def test_reload(tmp_path: Path, adversary: Adversary) -> None:
    """A changed file and SIGHUP change the providers; a bad file changes nothing, loudly."""
    file = tmp_path / "ai-provider.yml"
    file.write_text("providers:\n  openai:\n    models: [old-model*]\n")
    process = Process(tmp_path, adversary)
    try:
        async with Client(process.target) as client:
            slow = client.stream("old-model+rate=10", "Hi.")
            async with slow as stream:
                texts = stream.texts()
                await anext(texts)
                file.write_text("providers:\n  openai:\n    models: [new-model*]\n")
                process.child.send_signal(signal.SIGHUP)
                process.wait_line("configuration reloaded")
                fresh = await client.complete("new-model", "Hi.")
                with pytest.raises(NotFoundError):
                    await client.complete("old-model", "Hi.")
                rest = [text async for text in texts]
            file.write_text("providers:\n  openai:\n    modles: [x]\n")
            refused = process.wait_line("configuration refused; the old one stays")
            still = await client.complete("new-model", "Hi.")
    finally:
        process.stop()

    assert rest[-1].endswith(".")
    assert fresh.text.startswith("Hello")
    assert still.text.startswith("Hello")
    assert "ai-provider.yml:3" in str(refused["problems"])
    assert "models" in str(refused["problems"])


def test_without_keys(tmp_path: Path) -> None:
    """With no provider the service runs, and says which keys it looked for and where."""
    variables = {"AI_PROVIDER_PORT": "0", "PATH": os.environ["PATH"]}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
    log = tmp_path / "log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"], cwd=tmp_path, env=variables, stderr=out
        )
    until = time.monotonic() + 10
    while "no provider is enabled" not in log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    child.terminate()
    child.wait(10)

    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "DEEPSEEK_API_KEY"):
        assert name in log.read_text()


async def test_probe(tmp_path: Path, adversary: Adversary) -> None:
    """The probe tells a server that serves from one that is not there and from a wrong name."""
    process = Process(tmp_path, adversary)

    def probe(*arguments: str) -> int:
        command = [sys.executable, "-m", "service", "probe", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode

    try:
        target = process.target
        codes = [
            probe("--target", target),
            probe("--target", target, "--service", "nope"),
            probe("--target", "127.0.0.1:1", "--timeout", "0.5"),
        ]
    finally:
        process.stop()

    assert [0, 2, 3] == codes


async def test_start_up_is_light(tmp_path: Path, adversary: Adversary) -> None:
    """Serving the native providers imports no litellm, and connects to nobody."""
    process = Process(tmp_path, adversary)
    try:
        assert process.target
        child = psutil.Process(process.child.pid)
        maps = "\n".join(found.path for found in child.memory_maps())
        connected = [c for c in child.net_connections() if c.status == psutil.CONN_ESTABLISHED]
    finally:
        process.stop()

    # The library's native parts would be mapped if it, or what it needs, were imported.
    assert "tokenizers" not in maps
    assert "litellm" not in maps
    assert [] == connected


def test_litellm_is_imported_without_the_network() -> None:
    """Importing the library opens no connection: its price map is the one it ships."""
    program = (
        "import asyncio, socket, sys\n"
        "def refuse(*_):\n"
        "    raise AssertionError('a connection at import')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n"
        "socket.getaddrinfo = socket.create_connection = refuse\n"
        "from service.providers.litellm.library import library\n"
        "litellm = asyncio.run(library())\n"
        "assert 'gpt-4o' in litellm.model_cost\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr


def test_no_surprise_at_python_start() -> None:
    """No locked distribution runs code at every start of Python, by a .pth file."""
    from importlib import metadata

    found = {
        str(file)
        for distribution in metadata.distributions()
        for file in distribution.files or ()
        if str(file).endswith(".pth")
    }
    # Editable installs of this very project, and setuptools' own, known since 2021.
    known = ("distutils-precedence.pth", "_aiprovider", "_ai_provider")

    assert [] == [name for name in found if not name.startswith(known)]


async def test_a_port_that_is_taken(tmp_path: Path, adversary: Adversary) -> None:
    """A port in use is an error that names the address, and exit code 1."""
    process = Process(tmp_path, adversary)
    try:
        port = process.target.rpartition(":")[2]
        (tmp_path / "second").mkdir()
        second = Process(tmp_path / "second", adversary, AI_PROVIDER_PORT=port)
        code = second.child.wait(10)
    finally:
        process.stop()

    assert 1 == code
    assert f"127.0.0.1:{port}" in second.log.read_text()

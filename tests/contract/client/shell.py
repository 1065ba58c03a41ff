"""`aip` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process

_PROGRAM = "import sys; from aiprovider_client.cli import main; sys.exit(main())"


async def started(port: int, command: str, *arguments: str) -> Process:
    """Still running; its output is read through pipes."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROGRAM, command, *arguments),
        env={**os.environ, "AIP_SERVER": f"127.0.0.1:{port}"},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


async def aip(port: int, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    child = await started(port, *arguments)
    out, err = await asyncio.wait_for(child.communicate(stdin.encode()), 20)
    return child.returncode or 0, out.decode(), err.decode()

"""`python -m service demo-providers`: the adversary as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from service.adversary.server import Adversary

_VARIABLES = {
    "openai": "OPENAI",
    "anthropic": "ANTHROPIC",
    "gemini": "GOOGLE",
    "deepseek": "DEEPSEEK",
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m service demo-providers",
        description="Plays OpenAI, Anthropic, Gemini and DeepSeek on loopback. Faults are chosen in"
        " a model's name, as in gpt-4o+status=429+retry-after=2: see docs/adversary.md.",
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--print-env", action="store_true", help="print variables for a shell only")
    options = parser.parse_args(argv)
    try:
        asyncio.run(_serve(options.port, env_only=options.print_env))
    except OSError as error:
        sys.stderr.write(f"cannot listen on 127.0.0.1:{options.port}: {error.strerror}\n")
        return 1
    return 0


async def _serve(port: int, *, env_only: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Adversary(port) as adversary:
        lines = [
            line
            for family, variable in _VARIABLES.items()
            for line in (
                f"export {variable}_BASE_URL={adversary.url(family)}",
                f"export {variable}_API_KEY=demo-key-{family}",
            )
        ]
        if not env_only:
            lines.insert(0, "# Four providers on loopback. In the service's shell:")
            lines.append("# Faults: ask for a model such as gpt-4o+status=503 or claude-x+cut=300")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await stop.wait()

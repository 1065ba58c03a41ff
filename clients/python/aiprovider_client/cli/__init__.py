"""`aip`: the service from a shell."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from aiprovider_client.cli.arguments import parser
from aiprovider_client.cli.commands import COMMANDS
from aiprovider_client.cli.output import exit_code, explain
from aiprovider_client.errors import AIProviderError

_USAGE = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes stand in `aip --help`."""
    options = parser().parse_args(argv)
    try:
        asyncio.run(COMMANDS[options.command](options))
    except AIProviderError as error:
        explain(error, as_json=options.json)
        return exit_code(error)
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader has had enough. Python must not try to flush again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        sys.stderr.write(f"aip: {error}\n")
        return _USAGE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0

"""`aip`: the service from a shell."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from aiprovider_client.cli.arguments import parser
from aiprovider_client.cli.commands import COMMANDS
from aiprovider_client.cli.failures import exit_code, print_failure
from aiprovider_client.errors import AIProviderError

_USAGE = 2
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes stand in `aip --help`."""
    options = parser().parse_args(argv)
    try:
        return asyncio.run(COMMANDS[options.command](options))
    except AIProviderError as error:
        with_route = getattr(options, "route", False)
        print_failure(error, as_json=options.json, with_route=with_route)
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

"""What another policy would have given, from decision logs; `python -m service replay`."""

from service.replay.command import main

__all__ = ["main"]

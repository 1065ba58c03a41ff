"""What holds for all tests: the processes that they start can be interrupted."""

from __future__ import annotations

import signal

# A shell has what it runs in the background ignore SIGINT, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

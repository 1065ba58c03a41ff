"""What the raw bytes of an answer say, whatever the library makes of them. Pure.

litellm invents what a provider left out: a finish reason for a stream that was cut, a usage that
it counted itself, reasoning tokens. Only what stands in the bytes is believed.
"""

from __future__ import annotations

import re

# The words of all wire formats for the same thing. A quote inside a text is escaped on the wire:
# no text that a model writes can look like one of these keys.
_FINISH = re.compile(
    rb'"(?:finish_?[rR]eason|stop_?[rR]eason|done_reason)"\s*:\s*"|"done"\s*:\s*true'
)
_USAGE = re.compile(rb'"(?:(?:prompt|input)_?[tT]oken(?:s|Count)|prompt_eval_count)"\s*:\s*\d')
_REASONING_TOKENS = re.compile(rb'"(?:reasoning_tokens|thoughtsTokenCount)"\s*:\s*\d')
_TERMINATORS = (b"[DONE]", b'"message_stop"')
# A key with its colon and the start of its value; a terminating event.
_OVERLAP_BYTES = 64


class Witness:
    """Feed it the body as it comes. `bounded` bodies tell by their framing where they end.

    A body that is not `readable` (Amazon's event stream) is no text: of it, nothing is known.
    """

    def __init__(self, *, bounded: bool, readable: bool, event_bytes_max: int | None) -> None:
        self.readable = readable
        self.saw_finish = False
        self.saw_usage = False
        self.saw_reasoning_tokens = False
        self.ended = False
        """The body was read to its end."""
        self._bounded = bounded
        self._event_bytes_max = event_bytes_max
        self._line_size_bytes = 0
        self._tail = b""

    def feed(self, chunk: bytes) -> bool:
        """False if a line of a stream has grown too long."""
        text = self._tail + chunk
        self.saw_finish = self.saw_finish or _FINISH.search(text) is not None
        self.saw_usage = self.saw_usage or _USAGE.search(text) is not None
        self.saw_reasoning_tokens = (
            self.saw_reasoning_tokens or _REASONING_TOKENS.search(text) is not None
        )
        self._tail = text[-_OVERLAP_BYTES:]
        if self._event_bytes_max is None:
            return True
        line_end = chunk.rfind(b"\n")
        if line_end < 0:
            self._line_size_bytes += len(chunk)
        else:
            self._line_size_bytes = len(chunk) - line_end - 1
        longest = max(self._line_size_bytes, len(chunk) if line_end < 0 else line_end)
        return longest <= self._event_bytes_max

    @property
    def whole(self) -> bool:
        """The body came to its end: by its framing, or by the provider's own terminator."""
        terminated = any(terminator in self._tail for terminator in _TERMINATORS)
        return terminated or (self.ended and self._bounded)

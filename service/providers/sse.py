"""Server-sent events from the bytes of a body, in bounded memory. Pure.

The format is that of the WHATWG HTML standard, section 9.2; `id:` and `retry:` lines are ignored,
for no provider means anything by them.
"""

from __future__ import annotations

from service.providers.wire import SseEvent, invalid_answer

_BOM = b"\xef\xbb\xbf"


class SseReader:
    """Feed it chunks of any size. An event of more than `event_bytes_max` is a ProviderFailure."""

    def __init__(self, provider: str, event_bytes_max: int) -> None:
        self._provider = provider
        self._event_bytes_max = event_bytes_max
        # The event that is still incomplete, in pieces: joined only when a line ends.
        self._pieces: list[bytes] = []
        self._pieces_size_bytes = 0
        self._carriage_return = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that this chunk completes. Raises ProviderFailure."""
        if not chunk:
            return []
        if self._carriage_return or b"\r" in chunk:
            chunk = self._unix_line_ends(chunk)
        self._pieces_size_bytes += len(chunk)
        self._pieces.append(chunk)
        if b"\n" not in chunk:
            self._require_bound(self._pieces_size_bytes)
            return []
        return self._completed(b"".join(self._pieces))

    def finish(self, *, framed: bool) -> list[SseEvent]:
        """The last event of a body that ended without a blank line.

        Only when the body is whole (`framed`): a connection that simply ended may have cut it.
        """
        if not framed:
            return []
        return self._completed(b"".join(self._pieces) + b"\n\n")

    def _completed(self, text: bytes) -> list[SseEvent]:
        if not self._begun:
            text = text.removeprefix(_BOM)
            self._begun = True
        *blocks, rest = text.split(b"\n\n")
        self._pieces = [rest]
        self._pieces_size_bytes = len(rest)
        self._require_bound(len(rest))
        events: list[SseEvent] = []
        for block in blocks:
            self._require_bound(len(block))
            if block.startswith(b"data: ") and b"\n" not in block:
                # What nearly every event of nearly every provider looks like.
                events.append(SseEvent("", block[6:]))
                continue
            event = _event(block)
            if event is not None:
                events.append(event)
        return events

    def _unix_line_ends(self, chunk: bytes) -> bytes:
        # A carriage return at the end of a chunk is half of a line end or a whole one: the next
        # chunk tells which. It is passed on as a line end; the line feed that may follow is not.
        if self._carriage_return:
            chunk = chunk.removeprefix(b"\n")
        self._carriage_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _require_bound(self, size_bytes: int) -> None:
        if size_bytes > self._event_bytes_max:
            raise invalid_answer(
                self._provider, f"an event of more than {self._event_bytes_max} bytes"
            )


def _event(block: bytes) -> SseEvent | None:
    name = ""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode(errors="replace")
    return SseEvent(name, b"\n".join(data)) if data else None

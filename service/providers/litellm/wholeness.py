"""Whether an answer in a wire format that is not ours to decode is whole. Pure.

Looks for what says "this is the end" in the formats of all providers: a finish reason, a flag, a
closing event. Broken framing, events that are not JSON and errors within a stream are failures. It
never asks what an answer says.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.providers.failures import BY_STATUS
from service.providers.sse import SseReader
from service.providers.wire import invalid_answer

EVENT_STREAM = "text/event-stream"
AWS_EVENT_STREAM = "application/vnd.amazon.eventstream"
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl")
_NO_ANSWERS = ("text/html", "application/xml", "text/xml")
# Fields that hold words once the answer is over, and flags that then become true.
_REASONS = frozenset(
    {
        "finish_reason",
        "finishReason",
        "stop_reason",
        "stopReason",
        "done_reason",
        "completionReason",
        "completion_reason",
    }
)
_FLAGS = frozenset({"done", "is_finished", "is_end", "final"})
_CLOSING_TYPES = frozenset({"message_stop", "message-end", "stream-end", "response.completed"})
_CLOSING_EVENTS = frozenset({"done", "end", "message_stop"})
_CLOSING_DATA = frozenset({b"[DONE]", b"[END]"})
# What a model or a caller writes stands below these: nothing in there is the provider's word.
_FOREIGN = frozenset(
    {
        "content",
        "parts",
        "text",
        "tool_calls",
        "toolUse",
        "function_call",
        "functionCall",
        "input",
        "args",
        "arguments",
        "parameters",
        "embedding",
    }
)
_DEPTH_MAX = 5
_FRAME_PRELUDE_BYTES = 12
_FRAME_OVERHEAD_BYTES = 16


class Scan(Protocol):
    """`whole` becomes True once the answer is known to be complete."""

    whole: bool

    def feed(self, chunk: bytes) -> None:
        """Raises ProviderFailure for what cannot be an answer."""
        ...

    def close(self) -> None:
        """The body ended, as its framing promised. Raises as `feed` does."""
        ...


def scan_of(provider: str, content_type: str, *, stream: bool, event_bytes_max: int) -> Scan:
    """`content_type` without parameters. Raises ProviderFailure for a type of no answer."""
    if content_type in _NO_ANSWERS:
        raise invalid_answer(provider, f"content-type {content_type[:80]!r}")
    if content_type == EVENT_STREAM:
        return _Events(provider, event_bytes_max)
    if content_type == AWS_EVENT_STREAM:
        return _Frames(provider, event_bytes_max)
    return _Document(provider, lines=stream, only_lines=content_type in _LINES)


def says_end(value: Any, depth: int = 0) -> bool | None:
    """Whether a JSON value tells that an answer is over; None if it has no word for that."""
    if depth > _DEPTH_MAX:
        return None
    if isinstance(value, list):
        return _any(says_end(item, depth + 1) for item in cast("list[Any]", value))
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    if fields.get("type") in _CLOSING_TYPES:
        return True
    return _any(_field_says(name, item, depth) for name, item in fields.items())


def _field_says(name: str, item: Any, depth: int) -> bool | None:
    if name in _REASONS:
        return isinstance(item, str) and item != ""
    if name in _FLAGS:
        return item is True
    return None if name in _FOREIGN else says_end(item, depth + 1)


def _any(told: Iterable[bool | None]) -> bool | None:
    """True over False over None."""
    found: bool | None = None
    for one in told:
        if one:
            return True
        found = found if one is None else one
    return found


def _require_no_error(provider: str, value: Any) -> None:
    """Providers whose status is long sent tell of a failure inside the stream."""
    if not isinstance(value, dict):
        return
    fields = cast("dict[str, Any]", value)
    error = fields.get("error")
    if not error and fields.get("type") != "error":
        return
    told: Mapping[str, Any] = cast("dict[str, Any]", error) if isinstance(error, dict) else {}
    code = told.get("code") or told.get("status") or fields.get("status_code")
    reason = BY_STATUS.get(code) if isinstance(code, int) else None
    words = told.get("message") or (error if isinstance(error, str) else "no more is said")
    raise ProviderFailure(
        reason or ErrorReason.PROVIDER_UNAVAILABLE,
        f"{provider} reported an error within its answer: {str(words)[:500]}",
        http_status=code if isinstance(code, int) and reason else 0,
    )


class _Events:
    """Server-sent events. Once one was JSON, each must be: a library skips what it cannot read."""

    def __init__(self, provider: str, event_bytes_max: int) -> None:
        self.whole = False
        self._provider = provider
        self._reader = SseReader(provider, event_bytes_max)
        self._json = False
        # Where events have a field for the end, a closing event alone is no end: gateways add it.
        self._promised = False

    def feed(self, chunk: bytes) -> None:
        for event in self._reader.feed(chunk):
            self._see(event.name, event.data)

    def close(self) -> None:
        for event in self._reader.finish(framed=True):
            self._see(event.name, event.data)

    def _see(self, name: str, data: bytes) -> None:
        if data.strip() in _CLOSING_DATA or name in _CLOSING_EVENTS:
            self.whole = self.whole or not self._promised
            return
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            if self._json:
                raise invalid_answer(self._provider, "an event that is not JSON") from None
            return
        self._json = True
        _require_no_error(self._provider, value)
        told = says_end(value)
        self._promised = self._promised or told is not None
        self.whole = self.whole or told is True


class _Document:
    """One JSON document, or one on each line (`lines`): which of the two only the end tells."""

    def __init__(self, provider: str, *, lines: bool, only_lines: bool) -> None:
        self.whole = False
        self._provider = provider
        self._lines = lines
        self._only_lines = only_lines
        self._pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._pieces.append(chunk)
        if self._lines and b"\n" in chunk:
            # Libraries stop reading where they see the end: so must this.
            self._look_at_lines()

    def close(self) -> None:
        if self._only_lines:
            self._pieces.append(b"\n")
            self._look_at_lines()
            return
        try:
            value = orjson.loads(b"".join(self._pieces))
        except orjson.JSONDecodeError:
            raise invalid_answer(self._provider, "a body that is not JSON") from None
        _require_no_error(self._provider, value)
        # Its grammar says that nothing is missing, unless it says itself that it is not over.
        self.whole = says_end(value) is not False

    def _look_at_lines(self) -> None:
        *lines, rest = b"".join(self._pieces).split(b"\n")
        values = [_json_line(line) for line in lines if line.strip()]
        if None in values and not self._only_lines:
            # No lines of JSON, but a document that is written over several lines.
            self._lines = False
            return
        if None in values:
            raise invalid_answer(self._provider, "a line that is not JSON")
        self._pieces = [rest]
        self._only_lines = self._only_lines or bool(values)
        for value in values:
            _require_no_error(self._provider, value)
            self.whole = self.whole or says_end(value) is True


def _json_line(line: bytes) -> Any:
    try:
        value: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value


class _Frames:
    """Amazon's event stream: length-prefixed messages with checksums, payloads in JSON.

    Layout: total length, headers length, CRC-32 of those (4 bytes each), headers, payload, CRC-32.
    """

    def __init__(self, provider: str, event_bytes_max: int) -> None:
        self.whole = False
        self._provider = provider
        self._event_bytes_max = event_bytes_max
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        self._rest += chunk
        for payload in self._payloads():
            value = _json_line(payload)
            _require_no_error(self._provider, value)
            self.whole = self.whole or says_end(_unwrapped(value)) is True

    def close(self) -> None:
        if self._rest:
            raise invalid_answer(self._provider, "a message that is cut short")

    def _payloads(self) -> Iterator[bytes]:
        while len(self._rest) >= _FRAME_PRELUDE_BYTES:
            total = int.from_bytes(self._rest[:4], "big")
            headers = int.from_bytes(self._rest[4:8], "big")
            crc = int.from_bytes(self._rest[8:12], "big")
            if zlib.crc32(self._rest[:8]) != crc or total < headers + _FRAME_OVERHEAD_BYTES:
                raise invalid_answer(self._provider, "a message whose checksum is wrong")
            if total > self._event_bytes_max:
                what = f"a message of more than {self._event_bytes_max} bytes"
                raise invalid_answer(self._provider, what)
            if len(self._rest) < total:
                return
            message, self._rest = self._rest[:total], self._rest[total:]
            yield message[_FRAME_PRELUDE_BYTES + headers : -4]


def _unwrapped(value: Any) -> Any:
    """Models that Amazon only hosts speak their own JSON, in base64 within its own."""
    packed = cast("dict[str, Any]", value).get("bytes") if isinstance(value, dict) else None
    if not isinstance(packed, str):
        return value
    try:
        return _json_line(base64.b64decode(packed, validate=True))
    except binascii.Error:
        return None

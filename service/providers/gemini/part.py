"""Parts of Gemini's answers that come whole: calls, media, and what only Gemini knows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from service.domain.completion import Blob, MediaUri, Part, ProviderPart, ToolCall
from service.domain.events import PartDone, StreamEvent, ToolCallDelta
from service.providers.gemini.response import NAME, OWN_ID_PREFIX
from service.providers.shape import ShapeError, record, text

_SIGNATURE = "thoughtSignature"
_URL_SAFE = str.maketrans("-_", "+/")


def signature_of(part: dict[str, Any]) -> bytes:
    """The part's proof, empty if it has none. Raises ShapeError."""
    return _decoded(text(part.get(_SIGNATURE), _SIGNATURE))


def call_events(
    index: int, call: dict[str, Any], signature: bytes, response_id: str
) -> Sequence[StreamEvent]:
    """A function call, which comes whole. One without an id gets the same at every reading."""
    name = text(call.get("name"), "a function's name")
    if not name:
        raise ShapeError("a function call has no name")
    call_id = text(call.get("id"), "a call's id") or f"{OWN_ID_PREFIX}{response_id}-{index}"
    arguments = orjson.dumps(record(call.get("args"), "args")).decode()
    rest = ToolCall("", "", "", signature=signature) if signature else None
    return (ToolCallDelta(index, call_id, name, arguments), PartDone(index, rest))


def whole_part(part: dict[str, Any], signature: bytes) -> Part:
    """Media as such, unless it is a thought; anything else as Gemini wrote it."""
    if not part.get("thought"):
        if "inlineData" in part:
            inline = record(part["inlineData"], "inlineData")
            data = _decoded(text(inline.get("data"), "data"))
            return Blob(text(inline.get("mimeType"), "mimeType"), data, signature=signature)
        if "fileData" in part:
            file = record(part["fileData"], "fileData")
            mime_type = text(file.get("mimeType"), "mimeType")
            return MediaUri(text(file.get("fileUri"), "fileUri"), mime_type, signature=signature)
    value = {name: value for name, value in part.items() if name != _SIGNATURE}
    return ProviderPart(NAME, value, signature=signature)


def _decoded(encoded: str) -> bytes:
    if not encoded:
        return b""
    # Both alphabets are in use, and the padding is at times left out.
    standard = encoded.translate(_URL_SAFE).rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)

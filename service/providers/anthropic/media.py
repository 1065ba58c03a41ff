"""Images and documents into Anthropic's JSON. It reads no other media."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from service.domain.completion import Blob, MediaUri
from service.providers.anthropic.response import NAME
from service.providers.wire import Omissions, unsupported

_IMAGES = {
    "image/jpeg": "image/jpeg",
    "image/jpg": "image/jpeg",
    "image/png": "image/png",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
}
_PDF = "application/pdf"
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml"})


def blob_block(path: str, blob: Blob) -> dict[str, Any]:
    """Raises UNSUPPORTED_PARAMETER for a media type that Anthropic does not read."""
    mime_type = blob.mime_type.partition(";")[0].strip().lower()
    if mime_type in _IMAGES:
        return {"type": "image", "source": _base64(_IMAGES[mime_type], blob.data)}
    if mime_type == _PDF:
        source = _base64(_PDF, blob.data)
    elif mime_type.startswith("text/") or mime_type in _TEXTS:
        # Its text documents have one media type, whatever is written in them.
        source = {"type": "text", "media_type": "text/plain", "data": _text(path, blob.data)}
    else:
        why = f"it reads images, PDF and text, not {blob.mime_type}"
        raise unsupported(NAME, f"{path}.blob.mime_type", why)
    document: dict[str, Any] = {"type": "document", "source": source}
    if blob.filename:
        document["title"] = blob.filename
    return document


def uri_block(path: str, uri: MediaUri, omissions: Omissions) -> dict[str, Any]:
    """Without a media type, a URI that ends in `.pdf` is a document and any other an image."""
    if uri.detail not in ("", "auto"):
        omissions.lacks(f"{path}.uri.detail")
    source = {"type": "url", "url": uri.uri}
    mime_type = uri.mime_type.lower()
    if not mime_type and urlsplit(uri.uri).path.lower().endswith(".pdf"):
        mime_type = _PDF
    if not mime_type or mime_type in _IMAGES:
        return {"type": "image", "source": source}
    if mime_type == _PDF:
        return {"type": "document", "source": source}
    raise unsupported(NAME, f"{path}.uri", f"{uri.mime_type} by reference")


def _base64(media_type: str, data: bytes) -> dict[str, str]:
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}


def _text(path: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise unsupported(NAME, f"{path}.blob.data", "text must be UTF-8") from None

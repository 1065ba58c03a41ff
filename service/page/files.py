"""The files of the page, read once: what is served is what was installed, and no path leads out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    type: str
    etag: str


def files() -> Mapping[str, File]:
    """By the path of the URL. `/` is the page itself."""
    found = {
        f"/{path.relative_to(_FOLDER).as_posix()}": _file(path)
        for path in sorted(_FOLDER.rglob("*"))
        if path.suffix in _TYPES
    }
    return {"/": found["/index.html"], **found}


def _file(path: Path) -> File:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return File(content, _TYPES[path.suffix], etag)

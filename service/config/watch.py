"""Tells when files have changed, by asking for their stamps. Never reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, int, int, int]
"""Modification and change time in ns, size in bytes, inode."""


def stamp(path: Path) -> Stamp | None:
    """None for a file that is not there or cannot be asked. Follows links, as Kubernetes swaps
    them.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


async def changes(
    files: Iterable[Path],
    *,
    interval_s: float = 1.0,
    since: Mapping[Path, Stamp | None] | None = None,
) -> AsyncGenerator[None, None]:
    """One item each time that files have changed and then stood still for `interval_s`.

    Changed since `since` (such as `Loaded.stamps`), or else since the first step. Ends only when
    it is closed.
    """
    watched = tuple(files)
    known = dict(since) if since is not None else await asyncio.to_thread(_stamps, watched)
    while True:
        seen = await asyncio.to_thread(_stamps, watched)
        while seen != known:
            await asyncio.sleep(interval_s)
            before, seen = seen, await asyncio.to_thread(_stamps, watched)
            if before == seen:
                known = seen
                yield
                break
        else:
            await asyncio.sleep(interval_s)


def _stamps(files: Iterable[Path]) -> dict[Path, Stamp | None]:
    return {path: stamp(path) for path in files}

"""When files have changed, and when they have not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from service.config import changes
from service.config.watch import stamp

_INTERVAL_S = 0.01
_PATIENCE_S = 5.0


async def _next(watch: AsyncGenerator[None, None]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        await anext(watch)


async def _quiet(watch: AsyncGenerator[None, None], looks: int = 5) -> bool:
    """Whether nothing is told for some looks; the watch is spent afterwards."""
    try:
        async with asyncio.timeout(looks * _INTERVAL_S):
            await anext(watch)
    except TimeoutError:
        return True
    return False


async def _started(watch: AsyncGenerator[None, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(_next(watch))
    await asyncio.sleep(3 * _INTERVAL_S)
    return task


def _written(path: Path) -> None:
    path.write_text("longer than before")


def _appeared(path: Path) -> None:
    path.with_name("absent.yml").write_text("here")


def _removed(path: Path) -> None:
    path.unlink()


def _replaced(path: Path) -> None:
    """As editors do: same size and same time, another inode."""
    other = path.with_suffix(".new")
    other.write_text(path.read_text())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [_written, _appeared, _removed, _replaced])
async def test_a_change_is_told(tmp_path: Path, change: object) -> None:
    """Writing, creating, removing and replacing a file each are a change."""
    path = tmp_path / "a.yml"
    path.write_text("before")
    async with aclosing(changes((path, tmp_path / "absent.yml"), interval_s=_INTERVAL_S)) as watch:
        task = await _started(watch)

        assert callable(change)
        change(path)

        await task


async def test_a_swapped_link_is_told(tmp_path: Path) -> None:
    """Kubernetes swaps a link to a directory, and never touches the file itself."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yml").write_text(f"{name:10}")
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "a.yml").symlink_to("..data/a.yml")
    async with aclosing(changes((tmp_path / "a.yml",), interval_s=_INTERVAL_S)) as watch:
        task = await _started(watch)

        (tmp_path / "..next").symlink_to("second")
        (tmp_path / "..next").replace(tmp_path / "..data")

        await task


async def test_nothing_is_told_without_a_change(tmp_path: Path) -> None:
    """Files that stand still are no news, nor are files that are not there."""
    path = tmp_path / "a.yml"
    path.write_text("before")
    files = (path, tmp_path / "absent.yml")

    async with aclosing(changes(files, interval_s=_INTERVAL_S)) as watch:
        assert await _quiet(watch)


async def test_a_burst_is_told_once(tmp_path: Path) -> None:
    """A change is told when the files have come to rest, and then once."""
    first, second = tmp_path / "a.yml", tmp_path / "b.yml"
    async with aclosing(changes((first, second), interval_s=0.1)) as watch:
        task = asyncio.create_task(_next(watch))
        await asyncio.sleep(0.15)
        first.write_text("half")
        await asyncio.sleep(0.02)
        second.write_text("the rest")
        first.write_text("whole, at last")
        await task

        assert await _quiet(watch, looks=30)


async def test_a_change_before_the_first_look_is_told(tmp_path: Path) -> None:
    """With the stamps of what was loaded, no change between loading and watching is lost."""
    path = tmp_path / "a.yml"
    path.write_text("as loaded")
    loaded = {path: stamp(path)}
    path.write_text("changed since then")

    async with aclosing(changes((path,), interval_s=_INTERVAL_S, since=loaded)) as watch:
        await _next(watch)

        assert await _quiet(watch)

"""A file of lines that is appended to and never grows beyond a size. Says nothing about failures.

Several processes had better not share one, but a file that is moved or deleted by another is
replaced, and a line that was cut short is ended before the next begins.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o640


class BoundedFile:
    """Before it would exceed `bytes_max` it is put aside as `FILE.1`, in place of an older one."""

    def __init__(self, path: Path, bytes_max: int) -> None:
        self.path = path
        self.bytes_max = bytes_max
        self._descriptor: int | None = None

    def append(self, lines: deque[bytes]) -> None:
        """Takes from `lines`, each of them at most `bytes_max` with its end.

        Raises OSError; what is in `lines` then was not written.
        """
        try:
            while lines:
                self._append_some(self._opened(), lines)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):
                os.close(descriptor)

    def _append_some(self, descriptor: int, lines: deque[bytes]) -> None:
        size = os.fstat(descriptor).st_size
        chunk = bytearray(b"" if _ends_a_line(descriptor, size) else b"\n")
        count = 0
        for line in lines:
            if size + len(chunk) + len(line) > self.bytes_max:
                break
            chunk += line
            count += 1
        if not count and size:
            os.replace(self.path, f"{self.path}.1")  # noqa: PTH105 - a name with one more suffix
            self.close()
            return
        try:
            _write(descriptor, chunk)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        for _ in range(count):
            lines.popleft()

    def _opened(self) -> int:
        if self._descriptor is not None and not self._is_at_its_place(self._descriptor):
            self.close()
        if self._descriptor is None:
            self._descriptor = os.open(self.path, _FLAGS, _MODE)
        return self._descriptor

    def _is_at_its_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False


def _ends_a_line(descriptor: int, size: int) -> bool:
    return not size or os.pread(descriptor, 1, size - 1) == b"\n"


def _write(descriptor: int, chunk: bytes | bytearray) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]

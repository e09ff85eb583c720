"""A folder of checked files: bytes by key, in parts that can be read apart.

A file is a mark, the length and the digest of each part, and the parts. The digests cover the key, so that a file
that was cut, changed, renamed or written by somebody else is no file. Files appear whole, by renaming, and are never
changed: whoever reads one while another process replaces or deletes it has the old one or none.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LIMIT = 256 * 10**6
"""Bytes that the folder may hold; the files that were not read for longest go first."""

ROWS = "rows."
"""How the keys of what is kept of rows begin."""

MARK = b"archprof\x01\n"
"""What every file begins with: the name and the version of the format."""

_PARTS = 2
_PART = Struct("<Q16s")
_HEAD = len(MARK) + _PARTS * _PART.size
_DAY = 86_400.0
_FEW, _SOON = 32, 20.0
"""The part of the limit, and the seconds, after which the folder is looked at again."""
_LEFT_OVER = 3_600.0
"""Seconds after which a draft is one that its writer will not come back for."""


class Store:
    """Bytes by key.

    Args:
        folder: Where to keep them; made when there is something to keep.
        limit: Bytes that may be kept.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder = folder / "results"
        self.limit = limit
        self._place = str(self.folder)
        self._written = 0
        self._trimmed: float | None = None

    def read(self, key: str, parts: int = _PARTS) -> list[bytes] | None:
        """The first parts of what is kept under a key; None where there is nothing sound."""
        try:
            with open(os.path.join(self._place, key), "rb") as file:  # noqa: PTH118, PTH123 - a hundred times a command
                head = file.read(_HEAD)
                if len(head) < _HEAD or not head.startswith(MARK):
                    return None
                contents = []
                for index in range(parts):
                    length, digest = _PART.unpack_from(head, len(MARK) + index * _PART.size)
                    part = file.read(min(length, self.limit))
                    if len(part) != length or _digest(key, index, part) != digest:
                        return None
                    contents.append(part)
                self._touch(file.fileno())
        except OSError:
            return None
        return contents

    def write(self, key: str, first: bytes, second: bytes = b"") -> None:
        """Keep two parts under a key; where that cannot be done, nothing is kept."""
        parts = (first, second)
        heads = [_PART.pack(len(part), _digest(key, index, part)) for index, part in enumerate(parts)]
        draft = self.folder / f"{key}.{os.getpid()}.tmp"
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._written += draft.write_bytes(b"".join((MARK, *heads, *parts)))
                draft.replace(self.folder / key)
            except BaseException:
                with suppress(OSError):
                    draft.unlink()
                raise

    def trim(self) -> None:
        """Delete the files that were not read for longest, until those left are within the limit.

        Nothing is done where this process has done so a moment ago and written little since: a sweep asks every second,
        and looking at all files takes longer than counting a variant.
        """
        if (
            self._trimmed is not None
            and self._written <= self.limit / _FEW
            and time.monotonic() - self._trimmed < _SOON
        ):
            return
        self._trimmed, self._written = time.monotonic(), 0
        files = sorted(self._files(), key=lambda file: file[1], reverse=True)
        total, now = 0, time.time()
        for path, used, size in files:
            total += size
            if total > self.limit or (path.endswith(".tmp") and now - used > _LEFT_OVER):
                _delete(path)

    def usage(self, prefix: str = "") -> tuple[int, int]:
        """How many results are kept, and their bytes.

        Args:
            prefix: How the keys begin that are counted; all of them by default.
        """
        sizes = [
            size
            for path, _, size in self._files()
            if not path.endswith(".tmp") and os.path.basename(path).startswith(prefix)  # noqa: PTH119 - thousands
        ]
        return len(sizes), sum(sizes)

    @property
    def fault(self) -> str | None:
        """Why nothing can be kept here; None where it can, or could be once the folder is made."""
        try:
            with os.scandir(self.folder):
                pass
        except FileNotFoundError:
            pass
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
        existing = next(path for path in (self.folder, *self.folder.absolute().parents) if os.path.exists(path))  # noqa: PTH110
        if not os.path.isdir(existing):  # noqa: PTH112
            return os.strerror(errno.ENOTDIR)
        return None if os.access(existing, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it; the first of thousands of files tells."""
        try:
            with os.scandir(self.folder) as entries:
                return not any(entry.is_file(follow_symlinks=False) for entry in entries)
        except OSError:
            return True

    def clear(self) -> None:
        """Delete all of it."""
        for path, _, _ in list(self._files()):
            _delete(path)

    def _files(self) -> Iterator[tuple[str, float, int]]:
        """Path, time of last use, and size of every file."""
        try:
            entries: Sequence[os.DirEntry[str]] = list(os.scandir(self.folder))
        except OSError:
            return
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if entry.is_file(follow_symlinks=False):
                    yield entry.path, status.st_mtime, status.st_size

    def _touch(self, file: int) -> None:
        """Note that a file was of use, once a day."""
        if time.time() - os.fstat(file).st_mtime > _DAY:
            with suppress(OSError):
                os.utime(file)


def _digest(key: str, index: int, part: bytes) -> bytes:
    return hashlib.blake2b(part, digest_size=16, key=key.encode()[:64], salt=bytes([index])).digest()


def _delete(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108

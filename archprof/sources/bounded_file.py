"""A file that is read in small pieces only, for readers that believe the lengths which it claims."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.errors import ArchprofError


class BoundedFile(io.RawIOBase):
    """A file of which no read may give more than a limit.

    Args:
        file: The file.
        most: The limit in bytes.
        error: What is raised where it is passed.

    Attributes:
        most: The limit, which may be changed.
    """

    def __init__(self, file: IO[bytes], most: int, error: ArchprofError) -> None:
        self.most = most
        self._file, self._error = file, error

    def read(self, size: int = -1) -> bytes:
        """As of any file."""
        data = self._file.read(self.most + 1 if size < 0 else min(size, self.most + 1))
        if len(data) > self.most:
            raise self._error
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def seekable(self) -> bool:
        """As of any file."""
        return True

    def readable(self) -> bool:
        """As of any file."""
        return True

"""A zip file that torch writes: its directory and its records, within bounds. Nothing is unpacked to disk."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, TYPE_CHECKING, ClassVar, NoReturn

from archprof.sources.bounded_file import BoundedFile

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from archprof.errors import ArchprofError

DAMAGED = "copy or download the file again"
"""What to do about a file that is not as it was written."""

_ENCRYPTED = 0x1


class BoundedZip:
    """An open zip file; each kind of file is a class of its own, which says where its records are.

    Args:
        file: The file, open for reading.
        path: Its path, for messages.
        most: How many bytes its directory may have.

    Attributes:
        error: What is raised where something is wrong with it.
        content: What such a file holds, in a word.
        large: What is said of a record that is larger than any of that kind.

    Raises:
        ArchprofError: Where it is truncated, or its directory too large.
    """

    error: ClassVar[type[ArchprofError]]
    content: ClassVar[str]
    large: ClassVar[str]

    def __init__(self, file: IO[bytes], path: Path, most: int) -> None:
        self.path = path
        self._entries: dict[str, zipfile.ZipInfo] = {}
        large = f"the zip file's directory is larger than {most:,} bytes, or its length is damaged"
        try:
            self._file = BoundedFile(file, most, self.error(large, path=path, hint=DAMAGED))
            self._zip = zipfile.ZipFile(self._file)
            self._listed = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RecursionError) as error:
            self._refuse(f"a zip file that is truncated or damaged ({error})", DAMAGED)
        # A zip file may hold another, as a program its sample inputs: where the end is missing, that of the inner
        # file is taken for it, and its entries begin further down.
        if min((entry.header_offset for entry in self._zip.infolist()), default=0) > 0:
            self._refuse("a zip file that is truncated or damaged (its directory is missing)", DAMAGED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, record: str, most: int) -> bytes:
        """A record's bytes.

        Args:
            record: Its name, without the archive's folder.
            most: How many bytes it may have.

        Raises:
            ArchprofError: Where it is not there, larger, encrypted or damaged.
        """
        entry = self._entries.get(record)
        if entry is None:
            self._refuse(f"it has no {record}", DAMAGED)
        if entry.flag_bits & _ENCRYPTED:
            hint = f"unpack the zip file with its password and save the {self.content} again"
            self._refuse(f"{record} is encrypted", hint)
        self._check_size(record, entry.file_size, most)
        self._file.most = max(self._file.most, most + 1)  # a record that is not compressed is read at once
        try:
            with self._zip.open(entry) as stream:
                data = stream.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
            self._refuse(f"{record} in the zip file is damaged ({error})", DAMAGED)
        self._check_size(record, len(data), most)
        return data

    def _check_size(self, record: str, size: int, most: int) -> None:
        if size > most:
            message = f"{record} unpacks to {size:,} bytes or more; {most:,} is the limit"
            self._refuse(message, f"{self.large}; this is not one, or a file made to exhaust its reader")

    def _refuse(self, message: str, hint: str) -> NoReturn:
        raise self.error(message, path=self.path, hint=hint) from None

"""The zip file that ``torch.save`` writes: its directory and its records, within bounds. Nothing is unpacked to disk.

All records lie in one folder, called anything: ``data.pkl``, ``data/0`` and so on for the storages, ``version``.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, TYPE_CHECKING, NoReturn

from archprof.sources.bounded_file import BoundedFile
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.limits import MAX_DIRECTORY_BYTES

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_ENCRYPTED = 0x1


class Archive:
    """An open zip file of ``torch.save`` or ``torch.jit.save``.

    Args:
        file: The file, open for reading.
        path: Its path, for messages.

    Attributes:
        sizes: The unpacked size of each record, by its name in the archive's folder, as ``data/0``.

    Raises:
        CheckpointError: Where it is truncated, encrypted, has a name twice, or is the zip file of something else.
    """

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(BoundedFile(file, MAX_DIRECTORY_BYTES, _large_directory(path)))
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RecursionError) as error:
            self._refuse(f"a zip file that is truncated or damaged ({error})", "copy or download the file again")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        roots = set()
        for entry in entries:
            name = entry.filename
            if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                self._refuse(f"entry {name[:80]!r} of the zip file leads out of it", "torch.save writes no such file")
            root, _, record = name.partition("/")
            roots.add(root)
            if record in self._entries and len(roots) == 1:
                self._refuse(f"the zip file has two entries {name[:80]!r}", "torch.save writes no such file")
            self._entries[record] = entry
        if len(roots) != 1 or "data.pkl" not in self._entries:
            self._refuse(*_other_zip({entry.filename for entry in entries}))
        self.sizes = {record: entry.file_size for record, entry in self._entries.items()}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, record: str, most: int) -> bytes:
        """A record's bytes.

        Args:
            record: Its name.
            most: How many bytes it may have.

        Raises:
            CheckpointError: Where it is larger, encrypted or damaged.
        """
        entry = self._entries[record]
        if entry.flag_bits & _ENCRYPTED:
            self._refuse(f"{record} is encrypted", "unpack the zip file with its password and save the model again")
        self._check_size(record, entry.file_size, most)
        try:
            with self._zip.open(entry) as stream:
                data = stream.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
            self._refuse(f"{record} in the zip file is damaged ({error})", "copy or download the file again")
        self._check_size(record, len(data), most)
        return data

    def _check_size(self, record: str, size: int, most: int) -> None:
        if size > most:
            self._refuse(
                f"{record} unpacks to {size:,} bytes or more; {most:,} is the limit",
                "a model's has less than a megabyte; this is not one, or a file made to exhaust its reader",
            )

    def _refuse(self, message: str, hint: str) -> NoReturn:
        raise CheckpointError(message, path=self.path, hint=hint) from None


def _large_directory(path: Path) -> CheckpointError:
    return CheckpointError(
        f"the zip file's directory is larger than {MAX_DIRECTORY_BYTES:,} bytes, or its length is damaged",
        path=path,
        hint="copy or download the file again",
    )


def _other_zip(names: set[str]) -> tuple[str, str]:
    """What a zip file without data.pkl is, and what to do."""
    if any(name.endswith("archive_format") for name in names):
        return "an exported program (.pt2), not a checkpoint", "rename it to end in .pt2"
    if "[Content_Types].xml" in names:
        return "an Office document, not a checkpoint", "name the model's own file"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz), not a checkpoint", "save the model with torch.save"
    return "a zip file without one data.pkl: torch.save did not write it", "if a model is packed in it, unpack it first"

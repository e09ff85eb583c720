"""The zip file that ``torch.export.save`` writes: its directory and its records, within bounds.

Since torch 2.8 all records lie in one folder, called anything: ``models/model.json`` is the program, ``data/weights/``
and ``data/constants/`` have its tensors. Before, ``serialized_exported_program.json`` stood alone beside pickles.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from archprof.sources.bounded_zip import BoundedZip
from archprof.sources.checkpoint.file_kind import HEAD_BYTES, Foreign, container_of
from archprof.sources.program_file.error import ProgramFileError

if TYPE_CHECKING:
    from pathlib import Path

MAX_DIRECTORY_BYTES = 16 << 20
"""Of the zip file's directory: about 150,000 entries, of which each tensor has one."""

_OLD_PROGRAM = "serialized_exported_program.json"
_EXPECTED = "name a file that torch.export.save wrote"


class ProgramArchive(BoundedZip):
    """An open exported program.

    Args:
        file: The file, open for reading.
        path: Its path, for messages.

    Raises:
        ProgramFileError: Where it is truncated, or the file of something else.
    """

    error = ProgramFileError
    content = "program"
    large = "a program's has some megabytes"

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.path = path
        head = file.read(HEAD_BYTES)
        if not head.startswith(b"PK\x03\x04"):
            kind = container_of(head)
            what = kind.what if isinstance(kind, Foreign) and not kind.what.startswith("not a") else "no zip file"
            self._refuse(f"{what}, not an exported program" if head else "the file is empty", _EXPECTED)
        super().__init__(file, path, MAX_DIRECTORY_BYTES)
        self._entries = {entry.filename.partition("/")[2] or entry.filename: entry for entry in self._listed}
        self.program = self._find_program()

    def has(self, record: str) -> bool:
        """Whether there is such a record."""
        return record in self._entries

    def size(self, record: str) -> int:
        """How many bytes a record that is there says that it has."""
        return self._entries[record].file_size

    def _find_program(self) -> str:
        """The record of the program."""
        if _OLD_PROGRAM in self._entries:
            return _OLD_PROGRAM
        programs = [name for name in self._entries if name.startswith("models/") and name.endswith(".json")]
        if len(programs) > 1 and "models/model.json" not in programs:
            names = ", ".join(name.removeprefix("models/").removesuffix(".json") for name in programs[:8])
            self._refuse(f"it holds {len(programs)} programs: {names}", "save each in a file of its own")
        if not programs:
            self._refuse(*_other_zip(set(self._entries)))
        return "models/model.json" if "models/model.json" in programs else programs[0]


def _other_zip(records: set[str]) -> tuple[str, str]:
    """What a zip file without a program is, and what to do."""
    if any(record.startswith("data/aotinductor/") for record in records):
        return (
            "an AOTInductor package: compiled code, without the program that it was compiled from",
            "name what torch.export.save wrote before it was compiled",
        )
    if any(record.startswith("executorch/") for record in records):
        return "an ExecuTorch package, without the program that it was made from", _EXPECTED
    if "data.pkl" in records:
        return "a checkpoint or a TorchScript file, not an exported program", "rename it to end in .pt"
    return "a zip file without a program in models/: torch.export.save did not write it", _EXPECTED

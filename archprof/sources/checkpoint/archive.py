"""The zip file that ``torch.save`` writes: its directory and its records, within bounds. Nothing is unpacked to disk.

All records lie in one folder, called anything: ``data.pkl``, ``data/0`` and so on for the storages, ``version``.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from archprof.sources.bounded_zip import BoundedZip
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.limits import MAX_DIRECTORY_BYTES

if TYPE_CHECKING:
    from pathlib import Path


class Archive(BoundedZip):
    """An open zip file of ``torch.save`` or ``torch.jit.save``.

    Args:
        file: The file, open for reading.
        path: Its path, for messages.

    Attributes:
        sizes: The unpacked size of each record, by its name in the archive's folder, as ``data/0``.

    Raises:
        CheckpointError: Where it is truncated, encrypted, has a name twice, or is the zip file of something else.
    """

    error = CheckpointError
    content = "model"
    large = "a model's has less than a megabyte"

    def __init__(self, file: IO[bytes], path: Path) -> None:
        super().__init__(file, path, MAX_DIRECTORY_BYTES)
        roots = set()
        for entry in self._listed:
            name = entry.filename
            if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                self._refuse(f"entry {name[:80]!r} of the zip file leads out of it", "torch.save writes no such file")
            root, _, record = name.partition("/")
            roots.add(root)
            if record in self._entries and len(roots) == 1:
                self._refuse(f"the zip file has two entries {name[:80]!r}", "torch.save writes no such file")
            self._entries[record] = entry
        if len(roots) != 1 or "data.pkl" not in self._entries:
            self._refuse(*_other_zip({entry.filename for entry in self._listed}))
        self.sizes = {record: entry.file_size for record, entry in self._entries.items()}


def _other_zip(names: set[str]) -> tuple[str, str]:
    """What a zip file without data.pkl is, and what to do."""
    if any(name.endswith("archive_format") for name in names):
        return "an exported program (.pt2), not a checkpoint", "rename it to end in .pt2"
    if "[Content_Types].xml" in names:
        return "an Office document, not a checkpoint", "name the model's own file"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz), not a checkpoint", "save the model with torch.save"
    return "a zip file without one data.pkl: torch.save did not write it", "if a model is packed in it, unpack it first"

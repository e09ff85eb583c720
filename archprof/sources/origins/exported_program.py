"""An exported program (``.pt2``): the graph that ``torch.export`` made of a model, counted as it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, UsageError
from archprof.sources.files import PROGRAMS, is_file
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.spec import Constructor, Spec, encode_key

if TYPE_CHECKING:
    from archprof.sources.origin import Query
    from archprof.sources.spec import Built


class ExportedPrograms(Origin):
    """``best.pt2``. What is in it is read when it is counted."""

    order = 27
    form = "an exported program (best.pt2)"
    suffixes = PROGRAMS

    def find(self, query: Query) -> Spec | None:
        """The file of that name."""
        path = Path(query.text)
        if path.suffix.lower() not in PROGRAMS or not is_file(path):
            return None
        return ProgramSpec(name=path.stem, reference=query.reference, path=path)


@dataclass(frozen=True, kw_only=True)
class ProgramSpec(Spec):
    """A file with the graph of a model."""

    origin = "exported_program"
    graph_format = "pt2"
    trusted = True

    path: Path

    @property
    def content_key(self) -> bytes | None:
        """The program and its small constants, without its weights, whose values change no figure; and its name."""
        from archprof.sources.program_file.reader import content

        try:
            digest = hashlib.sha256(content(self.path)).digest()
        except ArchprofError:  # whoever counts it says what is wrong
            return None
        return encode_key(self.origin, self.name, self.reference, str(self.path), digest)

    def missing(self) -> ArchprofError | None:
        """What is wrong with the file, told before torch is imported."""
        try:
            stat = self.path.stat()
        except OSError:
            return _fault(self.path, 0, 0)
        return _fault(self.path, stat.st_mtime_ns, stat.st_size)

    def check_setting(self, key: str, value: Any) -> None:
        """Nothing may be: the graph is as it is.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{key} cannot be changed in an exported program",
            hint="name the YAML or the function that it was exported from",
        )

    def build(self, constructor: Constructor[Built]) -> Built:
        """It is a graph, and no module is built of it.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{self.reference} is a graph of operations, not a PyTorch module that could be built",
            hint="summary, compare, check, audit, claims, bench and parameternet take an exported program",
        )


@lru_cache(maxsize=16)
def _fault(path: Path, modified: int, size: int) -> ArchprofError | None:
    """What is wrong with a file of that time and size, which is asked more than once; None where nothing is."""
    from archprof.sources.program_file.reader import read

    try:
        read(path)
    except ArchprofError as error:
        return error
    return None


ORIGINS.register("exported_program", ExportedPrograms())

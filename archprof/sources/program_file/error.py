"""What can be wrong with an exported program."""

from __future__ import annotations

from archprof.errors import ArchprofError


class ProgramFileError(ArchprofError):
    """A file that is no exported program, or one that cannot be read."""

"""Files that a project leaves out wherever a folder or a pattern stands for models."""

from __future__ import annotations

from pathlib import Path

import msgspec

from archprof.sources.path_patterns import matches


class Exclusion(msgspec.Struct, frozen=True):
    """What is left out. A file that is named by itself is not.

    Attributes:
        root: The folder that the patterns go by.
        patterns: The patterns, as :func:`archprof.sources.path_patterns.matches` takes them.
        origin: Where they are set, for a message.
    """

    root: Path = Path()
    patterns: tuple[str, ...] = ()
    origin: str = ""

    def __call__(self, file: str | Path) -> bool:
        """Whether a file is left out."""
        return any(matches(file, pattern, self.root) for pattern in self.patterns)

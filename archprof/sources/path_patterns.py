"""Patterns over the paths of a project, as its configuration has them."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path


def matches(file: str | Path, pattern: str, root: Path) -> bool:
    """Whether a pattern means a file: by its path in the project, or that of a folder that it is in.

    A pattern without a slash means a file or a folder of that name anywhere: ``drafts``, ``*-old.yaml``.

    Args:
        file: The file, by the working folder or absolute; one of a git revision has that before a colon.
        pattern: The pattern; ``*`` stands for any part of a path.
        root: The project's folder.
    """
    path = Path(os.path.relpath(str(file).rpartition(":")[2], root)).as_posix()
    wanted = pattern.removeprefix("./").rstrip("/")
    if "/" not in wanted:
        return any(fnmatchcase(part, wanted) for part in path.split("/"))
    return fnmatchcase(path, wanted) or fnmatchcase(path, f"{wanted}/*")

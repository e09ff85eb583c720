"""Where a check's paths go from: the top of the repository, or the budget file's folder outside of one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def repository_root(folder: Path) -> Path:
    """The top of the git repository that a folder is in, else the folder itself; absolute, links followed.

    A submodule and a worktree have a file called ``.git``, and are repositories of their own.
    """
    path = folder.resolve()
    return next((parent for parent in (path, *path.parents) if (parent / ".git").exists()), path)


def folder_in(root: Path) -> str:
    """The working folder as it goes from a root, with slashes: ``.``, ``models/own``, ``../elsewhere``."""
    try:
        return os.path.relpath(os.path.realpath(os.curdir), root).replace(os.sep, "/")
    except ValueError:  # another drive
        return os.path.realpath(os.curdir).replace(os.sep, "/")

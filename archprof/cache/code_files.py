"""The files of code that a result came from, beyond what the versions of installed packages say.

A package that is installed stays what its version says. All other code - a plugin, what it imports, a family's
blocks, a package that is installed from a folder where it is still edited - is known by its content, and which files
those are only an import tells. So they are looked up once a result is there, and kept with it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
import time
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STARTED = time.time()
"""When this process began to look at files. Of one that was changed since, nobody knows what was imported."""

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - it starts often
"""The folder of archprof itself."""

_INSTALLED = ("site-packages", "dist-packages")


def used(packages: Collection[str]) -> dict[str, str] | None:
    """The digest of each file of code that this process has imported, by path; those of installed packages left out.

    Args:
        packages: Outermost packages whose files count though they are installed: the families'.

    Returns:
        None where a file cannot be told from what was imported.
    """
    digests = {}
    for path in _files(tuple(sys.modules), frozenset(packages)):
        digest = digest_of(path)
        if digest is None or changed(path):
            return None
        digests[path] = digest
    return digests


def is_edited(module: Any) -> bool:
    """Whether a module is of code that its user may edit: it is not Python's, archprof's or an installed package's."""
    path = _file_of(module)
    return path is not None and not _is_known(path)


def unchanged(sources: Mapping[str, str]) -> bool:
    """Whether every file is what it was."""
    return all(digest_of(path) == digest for path, digest in sources.items())


@cache
def digest_of(path: str) -> str | None:
    """A file's digest, the same for the whole process; None where it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def changed(path: str) -> bool:
    """Whether a file was written since this process began."""
    try:
        return os.stat(path).st_mtime > STARTED  # noqa: PTH116
    except OSError:
        return True


@lru_cache(maxsize=1)
def _files(names: tuple[str, ...], packages: frozenset[str]) -> list[str]:
    """The files of the modules of those names that are not known; the same between two imports."""
    files = {name: _file_of(sys.modules[name]) for name in names if name in sys.modules}
    return [
        path for name, path in files.items() if path and (not _is_known(path) or name.partition(".")[0] in packages)
    ]


def _file_of(module: Any) -> str | None:
    """A module's file; None for what has none: built in, frozen, a namespace, an invention of some library's."""
    path = getattr(module, "__file__", None)
    return path if isinstance(path, str) and os.path.isabs(path) else None  # noqa: PTH117


def _is_known(path: str) -> bool:
    """Whether a file belongs to Python, to archprof itself, or to a package whose version says what it is."""
    return path.startswith(_roots()) or any(f"{os.sep}{name}{os.sep}" in path for name in _INSTALLED)


@cache
def _roots() -> tuple[str, ...]:
    return tuple(
        f"{root}{os.sep}" for root in (PACKAGE, *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib")))
    )

"""The variants that come with installed families: this project's own zoo and any other package's.

A family is an entry point in the group ``archprof.families``: its name, and the package whose folder holds
its YAML variants, its ``claims.yaml`` and its blocks. Listing them imports none of the blocks.
"""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from archprof import cache

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "archprof.families"


@dataclass(frozen=True)
class Family:
    """An installed family."""

    name: str
    package: str

    @cached_property
    def folder(self) -> Path | None:
        """Where its package lies; None where that is not there."""
        return _folder(self.package)

    @cached_property
    def variants(self) -> dict[str, Path]:
        """The file of each variant, by name."""
        files = sorted(self.folder.glob("*.yaml"), key=lambda file: file.stem) if self.folder else []
        return {file.stem: file for file in files if file.name != "claims.yaml"}


@functools.cache
def families() -> dict[str, Family]:
    """Every installed family, by name, in alphabetical order."""
    return {name: Family(name, package) for name, package in _named()}


def _named() -> list[tuple[str, str]]:
    """The name and the package of each family, as what is installed says."""

    def read() -> list[tuple[str, str]]:
        from importlib.metadata import entry_points

        return sorted((entry.name, entry.module) for entry in entry_points(group=GROUP))

    if not cache.enabled:
        return read()
    from archprof.cache.fingerprint import installed
    from archprof.cache.memoize import remember

    # A package that is installed again from a folder may have the same version, and other families.
    return remember("families", repr(installed(times=True)).encode(), list[tuple[str, str]], read)


def variants() -> Iterator[tuple[Family, str, Path]]:
    """Every variant of every family: the family, the variant's name, its file."""
    for family in families().values():
        for name, path in family.variants.items():
            yield family, name, path


def _folder(package: str) -> Path | None:
    """Where a package lies, without running its code (only that of the packages round it).

    Where another package of the same outermost name comes first on Python's path, it is looked for behind that.
    """
    outermost, *inner = package.split(".")
    with suppress(ImportError):
        if (spec := find_spec(package)) and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
    for entry in sys.path:
        outer = PathFinder.find_spec(outermost, [entry])
        for folder in (outer.submodule_search_locations or ()) if outer else ():
            if (path := Path(folder, *inner)).is_dir():
                return path
    return None


def outermost_packages() -> set[str]:
    """The outermost packages that families are in: their files count for a result though they are installed."""
    return {family.package.partition(".")[0] for family in families().values()}


def hidden_by(family: Family) -> Path | None:
    """The package that Python finds instead of a family's, as one of the user's of the same name; None for its own."""
    outermost, *inner = family.package.split(".")
    spec = find_spec(outermost)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    if family.folder is None or not folders or any(Path(folder, *inner) == family.folder for folder in folders):
        return None
    return folders[0]

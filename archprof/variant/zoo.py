"""The variants that come with installed families: this project's own zoo and any other package's.

A family is an entry point in the group ``archprof.families``: its name, and the package whose folder holds
its YAML variants, its ``claims.yaml`` and its blocks. Listing them imports none of the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.variant import claims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.variant.claims import Claim, ClaimsFile

GROUP = "archprof.families"


@dataclass(frozen=True)
class Family:
    """An installed family. ``folder`` is None where its package is not there."""

    name: str
    package: str
    folder: Path | None

    @cached_property
    def variants(self) -> dict[str, Path]:
        """The file of each variant, by name."""
        files = sorted(self.folder.glob("*.yaml")) if self.folder else []
        return {file.stem: file for file in files if file.name != "claims.yaml"}

    @cached_property
    def published(self) -> ClaimsFile:
        """What its ``claims.yaml`` says; nothing where it has none.

        Raises:
            VariantError: Where the file is not well formed.
        """
        path = self.folder / "claims.yaml" if self.folder else None
        return claims.read(path) if path and path.is_file() else claims.ClaimsFile()

    def claims_of(self, variant: str) -> tuple[Claim, ...]:
        """The claims about one of its variants."""
        return tuple(claim for claim in self.published.claims if claim.variant == variant)


@cache
def families() -> dict[str, Family]:
    """Every installed family, by name, in alphabetical order."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return {entry.name: Family(entry.name, entry.module, _folder(entry.module)) for entry in found}


def variants() -> Iterator[tuple[Family, str, Path]]:
    """Every variant of every family: the family, the variant's name, its file."""
    for family in families().values():
        for name, path in family.variants.items():
            yield family, name, path


def _folder(package: str) -> Path | None:
    """Where a package lies, without running its code (only that of the packages round it)."""
    try:
        spec = find_spec(package)
    except ImportError:
        return None
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None

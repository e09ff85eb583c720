"""The variants that come with installed families: this project's own zoo and any other package's.

A family is an entry point in the group ``archprof.families``: its name, and the package whose folder holds
its YAML variants, its ``claims.yaml`` and its blocks. Listing them imports none of the blocks.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from archprof import cache
from archprof.errors import UnknownReferenceError, VariantError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.claims.claims_file import Claim, ClaimsFile

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
        files = sorted(self.folder.glob("*.yaml")) if self.folder else []
        return {file.stem: file for file in files if file.name != "claims.yaml"}

    @cached_property
    def published(self) -> ClaimsFile:
        """What its ``claims.yaml`` says; nothing where it has none.

        Raises:
            VariantError: Where the file is not well formed.
        """
        from archprof.claims import claims_file

        path = self.folder / "claims.yaml" if self.folder else None
        return claims_file.read(path) if path and path.is_file() else claims_file.ClaimsFile()

    def claims_of(self, variant: str) -> tuple[Claim, ...]:
        """The claims about one of its variants."""
        return tuple(claim for claim in self.published.claims if claim.variant == variant)


@functools.cache
def families() -> dict[str, Family]:
    """Every installed family, by name, in alphabetical order."""
    return {name: Family(name, package) for name, package in _named()}


def _named() -> list[tuple[str, str]]:
    """The name and the package of each family, as what is installed says."""

    def look() -> list[tuple[str, str]]:
        from importlib.metadata import entry_points

        return sorted((entry.name, entry.module) for entry in entry_points(group=GROUP))

    if not cache.enabled:
        return look()
    from archprof.cache.fingerprint import installed
    from archprof.cache.memoize import remember

    # A package that is installed again from a folder may have the same version, and other families.
    return remember("families", repr(installed(times=True)).encode(), list[tuple[str, str]], look)


def variants() -> Iterator[tuple[Family, str, Path]]:
    """Every variant of every family: the family, the variant's name, its file."""
    for family in families().values():
        for name, path in family.variants.items():
            yield family, name, path


def find_claims(names: Sequence[str]) -> list[Claim]:
    """The claims that names mean, each once: of a claims file, of a family, about a variant; no names mean all.

    Where a variant is called like its family, the name means the family.

    Raises:
        VariantError: Where a file is not a claims file, or has no claims.
        UnknownReferenceError: Where a name means nothing, or nothing is published for it.
    """
    if not names:
        return _all_claims()
    found = [claim for name in dict.fromkeys(names) for claim in _claims_of(name)]
    return list({id(claim): claim for claim in found}.values())


def _all_claims() -> list[Claim]:
    return [claim for family in families().values() for claim in family.published.claims]


def _claims_of(name: str) -> Sequence[Claim]:
    if os.path.isfile(name):  # noqa: PTH113 - it raises for no name
        from archprof.claims import claims_file

        if not (found := claims_file.read(Path(name)).claims):
            raise VariantError("has no claims", path=name)
        return found
    stem = name.removesuffix(".yaml")
    about: dict[str, list[Claim]] = {}
    for claim in _all_claims():
        about.setdefault(claim.variant, []).append(claim)
    about |= {family.name: list(family.published.claims) for family in families().values() if family.published.claims}
    if stem in about:
        return about[stem]
    hint = did_you_mean(stem, about) or "give a claims file, or a name for which `archprof zoo` lists published figures"
    missing = "no file" if name != stem or os.sep in name else "no claim is about"
    raise UnknownReferenceError(f"{missing} {name!r}", hint=hint)


def _folder(package: str) -> Path | None:
    """Where a package lies, without running its code (only that of the packages round it)."""
    try:
        spec = find_spec(package)
    except ImportError:
        return None
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None

"""What the installed families hold and what is published for it, read and put together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.claims import claims_file
from archprof.errors import UnknownReferenceError, VariantError, did_you_mean
from archprof.sources import families, yaml_file
from archprof.sources.task import task_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.claims.claims_file import Claim
    from archprof.sources.families import Family


@dataclass(frozen=True, slots=True)
class Entry:
    """One variant of a family. ``source`` is the file's own, else its claims', else the family's."""

    family: Family
    name: str
    scales: tuple[str, ...]
    task: str | None
    about: str | None
    source: str | None
    claims: tuple[Claim, ...]


def catalogue() -> list[Entry]:
    """Every variant of every installed family, family by family.

    Raises:
        VariantError: Where a family's file is not well formed.
    """
    return [_entry(family, name) for family, name, _ in families.variants()]


def _entry(family: Family, name: str) -> Entry:
    spec = yaml_file.load(family.variants[name], family=family.name)
    claims = claims_of(family, name)
    sources = (spec.values.get("source"), *(claim.source for claim in claims), published(family).source)
    return Entry(
        family=family,
        name=name,
        scales=tuple(spec.scales),
        task=task_of(spec),
        about=spec.values.get("about"),
        source=next((source for source in sources if source), None),
        claims=claims,
    )


@cache
def published(family: Family) -> claims_file.ClaimsFile:
    """What a family's ``claims.yaml`` says; nothing where it has none.

    Raises:
        VariantError: Where the file is not well formed.
    """
    path = family.folder / "claims.yaml" if family.folder else None
    return claims_file.read(path) if path and path.is_file() else claims_file.ClaimsFile()


def claims_of(family: Family, variant: str) -> tuple[Claim, ...]:
    """The claims about one of a family's variants."""
    return tuple(claim for claim in published(family).claims if claim.variant == variant)


def find_claims(names: Sequence[str]) -> list[Claim]:
    """The claims that names mean, each once: of a claims file, of a family, about a variant; no names mean all.

    Where a variant is called like its family, the name means the family.

    Raises:
        VariantError: Where a file is not a claims file, or has no claims.
        UnknownReferenceError: Where a name means nothing, or nothing is published for it.
    """
    if not names:
        return _all_claims()
    claims = [claim for name in dict.fromkeys(names) for claim in _claims_of(name)]
    return list({id(claim): claim for claim in claims}.values())


def _all_claims() -> list[Claim]:
    return [claim for family in families.families().values() for claim in published(family).claims]


def _claims_of(name: str) -> Sequence[Claim]:
    if os.path.isfile(name):  # noqa: PTH113 - it raises for no name
        if not (claims := claims_file.read(Path(name)).claims):
            raise VariantError("has no claims", path=name)
        return claims
    stem = name.removesuffix(".yaml")
    about: dict[str, list[Claim]] = {}
    for claim in _all_claims():
        about.setdefault(claim.variant, []).append(claim)
    about |= {
        family.name: list(published(family).claims)
        for family in families.families().values()
        if published(family).claims
    }
    if stem in about:
        return about[stem]
    hint = did_you_mean(stem, about) or "give a claims file, or a name for which `archprof zoo` lists published figures"
    missing = "no file" if name != stem or os.sep in name else "no claim is about"
    raise UnknownReferenceError(f"{missing} {name!r}", hint=hint)

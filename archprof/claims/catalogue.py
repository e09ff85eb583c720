"""Everything that the installed families hold, read and put together for a listing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.sources import families, yaml_file
from archprof.sources.task import task_of

if TYPE_CHECKING:
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
    claims = family.claims_of(name)
    sources = (spec.values.get("source"), *(claim.source for claim in claims), family.published.source)
    return Entry(
        family=family,
        name=name,
        scales=tuple(spec.scales),
        task=task_of(spec),
        about=spec.values.get("about"),
        source=next((source for source in sources if source), None),
        claims=claims,
    )

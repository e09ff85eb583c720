"""What was published of a model that comes with an installed family, to be marked in its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.builder.options import SIDE, SIDES, sides_of
from archprof.claims import catalogue
from archprof.sources import families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.claims.claims_file import Claim
    from archprof.records.profile import Input, Variant


def published_gflops(variant: Variant, input_: Input, convention: str) -> float | None:
    """The FLOPs that were printed of a variant with the same settings, by a convention; None where none were."""
    for claim in claims(variant):
        if _settings(claim) == _built_with(variant, input_):
            for figure in claim.figures:
                if (figure.figure, figure.convention) == ("gflops", convention):
                    return float(figure.value) * 10**9
    return None


def claims(variant: Variant) -> Iterator[Claim]:
    """What is published for the file that a variant is from; nothing where that is no installed family's."""
    family = families.families().get(variant.family or "")
    if family and variant.path and str(family.variants.get(variant.name)) == variant.path:
        yield from catalogue.claims_of(family, variant.name)


def _settings(claim: Claim) -> dict[str, object]:
    settings = {key: value for key, value in claim.settings.items() if key not in ("imgsz", "set")}
    size = claim.settings.get("imgsz")
    sides = tuple(sides_of(str(size))) if size else ()
    return {"batch": 1, "fuse": False, **settings, "imgsz": sides, "set": claim.settings.get("set", {})}


def _built_with(variant: Variant, input_: Input) -> dict[str, object]:
    """The settings of a claim that a variant was built with."""
    side = SIDES.get(variant.task or "", SIDE)
    sides = tuple(input_.shapes[0][2:]) if input_.shapes else ()
    changed = {key: value for key, value in variant.settings.items() if key != "nc"}
    return {
        "batch": input_.batch,
        "fuse": variant.fused,
        "imgsz": () if sides == (side, side) else sides,
        "set": changed,
        **({"scale": variant.scale} if variant.scale else {}),
        **({"nc": variant.settings["nc"]} if "nc" in variant.settings else {}),
    }

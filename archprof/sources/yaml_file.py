"""A YAML file -> :class:`~archprof.sources.spec.VariantSpec`: its rows, its scales, its values, all with lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof import cache
from archprof.errors import VariantError
from archprof.sources import families, yaml_text
from archprof.sources.spec import STOCK, Scale, Sheet, VariantSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCALE_IN_NAME = re.compile(r"(?<=\d)[a-z](?![a-z\d])")


def load(
    path: Path | str,
    *,
    scale: str | None = None,
    reference: str | None = None,
    name: str | None = None,
    family: str | None = None,
    data: bytes | None = None,
) -> VariantSpec:
    """Read a variant at one scale.

    Args:
        path: The file.
        scale: One of the file's scales. Without it, the one that the file's name has (``yolov10n``), else the
            file's first, and then ``scale_assumed`` is set if there was a choice.
        reference: What the user typed, where that is not the path.
        name: What to call the variant, where that is not the file's stem; it tells scale and family as that does.
        family: The family of a file without a ``family:`` key. Without it, the installed family that the
            file's name starts with, else Ultralytics'.
        data: What the file says, where it is not on the disk.

    Raises:
        VariantError: Where the file cannot be read, is not a variant, or has no such scale; with the line.
    """
    path = Path(path)
    stem = name or path.stem
    said = yaml_text.decode(yaml_text.read(path) if data is None else data, path)
    sheet = _sheet(said, path)
    scales, values = sheet.scales, sheet.values
    chosen, assumed = _choose(path, stem, scales, scale)
    factors = scales[chosen] if chosen is not None else _multiples(values)
    return VariantSpec(
        name=stem,
        reference=reference or str(path),
        path=path,
        family=values.get("family") or family or family_of(stem),
        text=said,
        rows=sheet.rows,
        scales=scales,
        scale=chosen,
        values=values,
        value_lines=sheet.value_lines,
        scale_lines=sheet.scale_lines,
        depth=factors.depth,
        width=factors.width,
        max_channels=factors.max_channels,
        scale_assumed=assumed,
    )


def _sheet(said: str, path: Path) -> Sheet:
    """What a text says. PyYAML takes milliseconds to tell, and a check reads a hundred of them."""

    def parse() -> Sheet:
        from archprof.sources import parsed_yaml

        return parsed_yaml.parse(said, path)

    if not cache.enabled:
        return parse()
    from archprof.cache.memoize import remember

    return remember("sheet", said.encode(), Sheet, parse)


def family_of(stem: str) -> str:
    """The longest installed family that a file's name starts with (``yolov13l-mine``), else Ultralytics'."""
    fits = [
        family
        for family in families.families()
        if stem.startswith(family) and not stem[len(family) : len(family) + 1].isdecimal()
    ]
    return max(fits, key=len, default=STOCK)


def scales_in_name(stem: str) -> Iterator[tuple[str, str]]:
    """What may be a scale in a file's name, and the name without it; the last first.

    ``yolo11s-seg`` has ``("s", "yolo11-seg")``.
    """
    for match in reversed(list(_SCALE_IN_NAME.finditer(stem))):
        yield match[0], stem[: match.start()] + stem[match.end() :]


def _choose(path: Path, stem: str, scales: dict[str, Scale], wanted: str | None) -> tuple[str | None, bool]:
    """The scale to use, and whether it was only assumed."""
    if wanted is not None:
        if wanted in scales:
            return wanted, False
        there = f"those there: {', '.join(scales)}" if scales else "the file has no scales"
        raise VariantError(f"no scale {wanted!r}; {there}", path=path)
    named = next((letter for letter, _ in scales_in_name(stem) if letter in scales), None)
    if named is not None or not scales:
        return named, False
    return next(iter(scales)), len(scales) > 1


def _multiples(values: dict[str, Any]) -> Scale:
    """The factors of a file without scales."""
    return Scale(float(values.get("depth_multiple", 1.0)), float(values.get("width_multiple", 1.0)))

"""A YAML file -> :class:`~archprof.sources.spec.VariantSpec`: its rows, its scales, its values, all with lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archprof import cache
from archprof.errors import VariantError
from archprof.sources import assigned_families, families, near_keys, scale_in_name, yaml_text
from archprof.sources.spec import STOCK, YOLOV5, Sheet, VariantSpec

if TYPE_CHECKING:
    from archprof.sources.origin import Query


def load_for(
    query: Query, path: Path, *, name: str | None = None, family: str | None = None, data: bytes | None = None
) -> VariantSpec:
    """Read the variant that a query means; the rest is as for :func:`load`."""
    return load(
        path,
        scale=query.scale,
        named_scale=query.named_scale,
        reference=query.reference,
        name=name,
        family=family,
        data=data,
    )


def load(
    path: Path | str,
    *,
    scale: str | None = None,
    named_scale: str | None = None,
    reference: str | None = None,
    name: str | None = None,
    family: str | None = None,
    data: bytes | None = None,
    strict: bool = True,
) -> VariantSpec:
    """Read a variant at one scale.

    Args:
        path: The file.
        scale: One of the file's scales. Without it, the one that the file's name asks for (``yolov10n``), else the
            file's first, and then ``scale_assumed`` is set if there was a choice.
        named_scale: The scale that the reference's name asks for, where it is not the file's name that does.
        reference: What the user typed, where that is not the path.
        name: What to call the variant, where that is not the file's stem; it tells scale and family as that does.
        family: The family of a file without a ``family:`` key. Without it, the one that the project gives the
            file, else the installed family that the file's name starts with, else Ultralytics'.
        data: What the file says, where it is not on the disk.
        strict: Whether a key that was probably meant for another is an error, as it is where it can be mended.

    Raises:
        VariantError: Where the file cannot be read, is not a variant, or lacks the scale; with the line.
    """
    path = Path(path)
    stem = name or path.stem
    text = yaml_text.decode(yaml_text.read(path) if data is None else data)
    sheet = _sheet(text, path)
    if strict:
        near_keys.check(sheet, path)
    named_scale = named_scale or scale_in_name.scale_of(stem)
    used = _choose(path, reference or str(path), sheet, scale, named_scale)
    return VariantSpec(
        name=stem,
        reference=reference or str(path),
        path=path,
        family=(
            sheet.values.get("family")
            or family
            or assigned_families.family_of(path)
            or (YOLOV5 if has_anchors(sheet) else family_of(stem))
        ),
        text=text,
        rows=sheet.rows,
        scales=sheet.scales,
        scale=used,
        scale_assumed=scale is None and named_scale is None and len(sheet.scales) > 1,
        size=used or named_scale,
        document=sheet.values,
        value_lines=sheet.value_lines,
    )


def _sheet(text: str, path: Path) -> Sheet:
    """What a text says. PyYAML takes milliseconds to tell, and a check reads a hundred of them."""

    def parse() -> Sheet:
        from archprof.sources import parsed_yaml

        return parsed_yaml.parse(text, path)

    if not cache.enabled:
        return parse()
    from archprof.cache.memoize import remember

    return remember("sheet", text.encode(), Sheet, parse)


def has_anchors(sheet: Sheet) -> bool:
    """Whether a file is in the dialect of YOLOv5's own repository, whose heads get anchors as second argument."""
    head = sheet.rows[-1]
    return (
        head.module in ("Detect", "Segment")
        and len(head.arguments) > 1
        and (head.arguments[1] == "anchors" or isinstance(head.arguments[1], list))
    )


def family_of(stem: str) -> str:
    """The longest installed family that a file's name starts with (``yolov13l-mine``), else Ultralytics'."""
    fits = [
        family
        for family in families.families()
        if stem.startswith(family) and not stem[len(family) : len(family) + 1].isdecimal()
    ]
    return max(fits, key=len, default=STOCK)


def _choose(path: Path, reference: str, sheet: Sheet, asked: str | None, named: str | None) -> str | None:
    """The scale to use: the one asked for by an option, else by the name, else the first."""
    scales, line = sheet.scales, sheet.value_lines.get("scales")
    available = f"available scales: {', '.join(scales)}"
    if asked is not None:
        if chosen := next((scale for scale in (asked, asked.lower()) if scale in scales), None):
            return chosen
        raise VariantError(
            f"no scale {asked!r}; {available if scales else 'the file has no scales'}", path=path, line=line
        )
    if named is not None and scales and named not in scales:
        raise VariantError(
            f"the name {Path(reference).name!r} asks for scale {named!r}, which the file does not have",
            path=path,
            line=line,
            hint=f"{available}; choose one with --scale, or rename the file",
        )
    return named if named in scales else next(iter(scales), None)

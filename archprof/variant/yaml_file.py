"""A YAML file -> :class:`~archprof.variant.spec.VariantSpec`: its rows, its scales, its values, all with lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import VariantError, did_you_mean, nearest
from archprof.variant import zoo
from archprof.variant.document import Document, describe, line_of
from archprof.variant.settings import complaint, is_count, is_factor
from archprof.variant.spec import STOCK, Row, Scale, VariantSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

MAX_ROWS = 10_000

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
    document = Document.read(path) if data is None else Document.decode(data, path)
    keys = document.mapping(document.root, "a variant")
    rows = _rows(document, keys)
    scales = _scales(document, keys["scales"]) if "scales" in keys else {}
    values = _values(document, {key: keys[key] for key in keys if key not in ("backbone", "head", "scales")})
    chosen, assumed = _choose(path, stem, scales, scale)
    factors = scales[chosen] if chosen is not None else _multiples(values)
    return VariantSpec(
        name=stem,
        reference=reference or str(path),
        path=path,
        family=values.get("family") or family or family_of(stem),
        text=document.text,
        rows=rows,
        scales=scales,
        scale=chosen,
        values=values,
        value_lines={key: line_of(keys[key]) for key in values},
        depth=factors.depth,
        width=factors.width,
        max_channels=factors.max_channels,
        scale_assumed=assumed,
    )


def family_of(stem: str) -> str:
    """The longest installed family that a file's name starts with (``yolov13l-mine``), else Ultralytics'."""
    fits = [family for family in zoo.families() if re.match(rf"{re.escape(family)}(?!\d)", stem)]
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


def _rows(document: Document, keys: dict[str, yaml.Node]) -> tuple[Row, ...]:
    if "backbone" not in keys:
        hint = did_you_mean("backbone", keys) or "a variant lists its rows under backbone: and head:"
        raise document.error("no backbone: among the file's keys", document.root, hint=hint)
    if "head" not in keys and (near := nearest("head", keys, 1)):
        raise document.error(f"{near[0]!r} is not read; did you mean head?", keys[near[0]])
    nodes = document.sequence(keys["backbone"], "backbone")
    if not nodes:
        raise document.error("backbone has no rows", keys["backbone"])
    if "head" in keys:  # a file may be a backbone alone
        nodes += document.sequence(keys["head"], "head")
    if len(nodes) > MAX_ROWS:
        raise document.error(f"more than {MAX_ROWS:,} rows", nodes[MAX_ROWS])
    return tuple(_row(document, index, node) for index, node in enumerate(nodes))


def _row(document: Document, index: int, node: yaml.Node) -> Row:
    cells = document.sequence(node, f"row {index}")
    if len(cells) != 4:
        message = f"row {index} must be [from, repeats, module, arguments], not {len(cells)} items"
        raise document.error(message, node)
    came, repeats, module, arguments = (document.plain(cell) for cell in cells)
    sources = came if isinstance(came, list) else [came]
    checks = (
        (bool(sources) and all(type(one) is int for one in sources), "from", "a row number or a list of them"),
        (is_count(repeats), "repeats", "a whole number from 1 up"),
        (isinstance(module, str) and bool(module.strip()), "module", "the name of a block"),
        (isinstance(arguments, list), "arguments", "a list"),
    )
    for cell, (good, what, expected) in zip(cells, checks, strict=True):
        if not good:
            raise document.error(f"row {index}: {what} must be {expected}, not {describe(cell)}", cell)
    return Row(
        index=index,
        sources=tuple(sources),
        many=isinstance(came, list),
        repeats=repeats,
        module=module,
        arguments=tuple(arguments),
        line=line_of(node),
    )


def _scales(document: Document, node: yaml.Node) -> dict[str, Scale]:
    scales = {}
    for name, entry in document.mapping(node, "scales").items():
        factors = document.plain(entry)
        if not (isinstance(factors, list) and len(factors) == 3 and all(map(_is_positive, factors))):
            message = f"scale {name!r} must be [depth, width, max_channels], three numbers above 0"
            raise document.error(message, entry)
        scales[name] = Scale(float(factors[0]), float(factors[1]), factors[2])
    return scales


def _values(document: Document, keys: dict[str, yaml.Node]) -> dict[str, Any]:
    values = {}
    for key, node in keys.items():
        values[key] = document.plain(node)
        if wrong := complaint(key, values[key]):
            raise document.error(wrong, node)
    return values


def _multiples(values: dict[str, Any]) -> Scale:
    """The factors of a file without scales."""
    return Scale(float(values.get("depth_multiple", 1.0)), float(values.get("width_multiple", 1.0)))


def _is_positive(value: Any) -> bool:
    return is_factor(value) or value == float("inf")

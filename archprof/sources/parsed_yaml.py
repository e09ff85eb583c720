"""A YAML's text -> what it says: its rows, its scales, its values, all with lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.errors import did_you_mean, nearest
from archprof.sources.document import Document, describe, line_of
from archprof.sources.settings import complaint, is_count, is_factor
from archprof.sources.spec import Row, Scale, Sheet

if TYPE_CHECKING:
    from pathlib import Path

    import yaml

MAX_ROWS = 10_000


def parse(text: str, path: Path) -> Sheet:
    """What a YAML says; ``path`` is for messages.

    Raises:
        VariantError: Where it is not a variant; with the line.
    """
    document = Document(text, path=path)
    keys = document.mapping(document.root, "a variant")
    rows = _rows(document, keys)
    values = _values(document, {key: keys[key] for key in keys if key not in ("backbone", "head", "scales")})
    return Sheet(
        rows=rows,
        scales=_scales(document, keys["scales"]) if "scales" in keys else {},
        values=values,
        value_lines={key: line_of(keys[key]) for key in values},
        scale_lines=_scale_lines(document, keys["scales"]) if "scales" in keys else {},
    )


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


def _scale_lines(document: Document, node: yaml.Node) -> dict[str, int]:
    return {name: line_of(entry) for name, entry in document.mapping(node, "scales").items()}


def _values(document: Document, keys: dict[str, yaml.Node]) -> dict[str, Any]:
    values = {}
    for key, node in keys.items():
        values[key] = document.plain(node)
        if wrong := complaint(key, values[key]):
            raise document.error(wrong, node)
    return values


def _is_positive(value: Any) -> bool:
    return is_factor(value) or value == float("inf")

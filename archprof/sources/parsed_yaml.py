"""A YAML's text -> what it says: its rows, its scales, its values, all with lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from archprof.errors import NotAVariantError, VariantError, nearest
from archprof.sources import near_keys
from archprof.sources.document import Document, describe, line_of
from archprof.sources.other_yaml import kind_of
from archprof.sources.settings import (
    DEPTH,
    DYNAMIC_CONVOLUTIONS,
    MAX_CHANNELS,
    WIDTH,
    complaint,
    is_repeats,
    without_quotes,
)
from archprof.sources.spec import Row, Scale, Sheet

if TYPE_CHECKING:
    from pathlib import Path

MAX_ROWS = 10_000

CHECKED = ("nc", "sequence", "family", DYNAMIC_CONVOLUTIONS)
"""Top-level keys whose values are checked in every file."""

FACTORS = {"depth": DEPTH, "width": WIDTH, "max_channels": MAX_CHANNELS}
"""What one entry of the scales is."""

MULTIPLES = ("depth_multiple", "width_multiple")
"""The same of a file without scales, which go before them."""


def parse(text: str, path: Path) -> Sheet:
    """What a YAML says; ``path`` is for messages.

    Raises:
        VariantError: Where it is not a variant; with the line.
    """
    document = Document(text, path=path)
    keys = document.mapping(document.root, "a variant")
    rows = _rows(document, keys)
    scales = _scales(document, keys["scales"]) if "scales" in keys else {}
    values = _values(document, {key: keys[key] for key in keys if key not in ("backbone", "head", "scales")})
    # Without a row that is repeated nothing is multiplied by the depth, and Ultralytics builds the file whatever it is.
    unused = {*MULTIPLES} if scales else {"depth_multiple"} if all(row.repeats <= 1 for row in rows) else set[str]()
    for key in (*CHECKED, *MULTIPLES):
        if key in values and key not in unused and (error := complaint(key, values[key])):
            raise document.error(error, keys[key], hint=without_quotes(values[key]))
    return Sheet(
        rows=rows,
        scales=scales,
        values=values,
        value_lines=_lines(document.root, keys),
    )


def _rows(document: Document, keys: dict[str, yaml.Node]) -> tuple[Row, ...]:
    if not isinstance(keys.get("backbone"), yaml.SequenceNode) and (other := kind_of(document.root)):
        raise document.error(other.name, document.root, hint=other.hint, kind=NotAVariantError)
    if "backbone" not in keys:
        raise _no_backbone(document, keys)
    if "head" not in keys:
        lists: dict[str, Any] = {key: [] for key, node in keys.items() if isinstance(node, yaml.SequenceNode)}
        if pair := near_keys.mistaken(lists, keys.keys() | near_keys.SUITS.keys() - {"head"}):
            message = f"{pair[0]!r} is not read; did you mean head?"
            raise document.error(message, document.key(document.root, pair[0]))
    nodes = document.sequence(keys["backbone"], "backbone")
    if not nodes:
        raise document.error("backbone has no rows", keys["backbone"])
    if "head" in keys:  # a file may be a backbone alone
        nodes += document.sequence(keys["head"], "head")
    if len(nodes) > MAX_ROWS:
        raise document.error(f"more than {MAX_ROWS:,} rows", nodes[MAX_ROWS])
    return tuple(_row(document, index, node) for index, node in enumerate(nodes))


def _no_backbone(document: Document, keys: dict[str, yaml.Node]) -> VariantError:
    """The error of a file without ``backbone:``, at the key that was meant for it."""
    message = "no backbone: among the file's keys"
    if near := nearest("backbone", keys, 1):
        return document.error(message, document.key(document.root, near[0]), hint=f"did you mean {near[0]}?")
    hint = "a variant lists its rows under backbone: and head:"
    return document.error(message, document.root, hint=hint, kind=NotAVariantError)


def _row(document: Document, index: int, node: yaml.Node) -> Row:
    cells = document.sequence(node, f"row {index}")
    if len(cells) != 4:
        message = f"row {index} must be [from, repeats, module, arguments], not {len(cells)} items"
        raise document.error(message, node)
    read, repeats, module, arguments = (document.plain(cell) for cell in cells)
    sources = read if isinstance(read, list) else [read]
    checks = (
        (bool(sources) and all(type(source) is int for source in sources), "from", "a row number or a list of them"),
        (is_repeats(repeats), "repeats", "a whole number"),
        (isinstance(module, str) and bool(module.strip()), "module", "the name of a block"),
        (isinstance(arguments, list), "arguments", "a list"),
    )
    for cell, (good, what, expected) in zip(cells, checks, strict=True):
        if not good:
            raise document.error(f"row {index}: {what} must be {expected}, not {describe(cell)}", cell)
    return Row(
        index=index,
        sources=tuple(sources),
        many=isinstance(read, list),
        repeats=repeats,
        module=module,
        arguments=tuple(arguments),
        line=line_of(node),
    )


def _scales(document: Document, node: yaml.Node) -> dict[str, Scale]:
    # Ultralytics takes nothing for no scales.
    if not isinstance(node, yaml.MappingNode) and not _value(document, node):
        return {}
    scales = {}
    for name, entry in document.mapping(node, "scales").items():
        if not isinstance(entry, yaml.SequenceNode) or len(entry.value) != len(FACTORS):
            kind = f"{len(entry.value)} items" if isinstance(entry, yaml.SequenceNode) else describe(entry)
            message = f"scale {name!r} must be [depth, width, max_channels], three numbers, not {kind}"
            raise document.error(message, entry)
        factors = [document.plain(item) for item in entry.value]
        for item, factor, (what, (is_valid, kind)) in zip(entry.value, factors, FACTORS.items(), strict=True):
            if not is_valid(factor):
                message = f"scale {name!r}: {what} must be {kind}, not {describe(item)}"
                raise document.error(message, item, hint=without_quotes(factor))
        depth, width, most = factors
        scales[name] = Scale(float(depth), float(width), int(most) if isinstance(most, bool) else most)
    return scales


def _values(document: Document, keys: dict[str, yaml.Node]) -> dict[str, Any]:
    """The top-level values."""
    return {key: _value(document, node) for key, node in keys.items()}


def _value(document: Document, node: yaml.Node) -> Any:
    """A top-level value. Ultralytics takes the text None for no value: YAML calls that null."""
    value = document.plain(node)
    return None if value == "None" else value


def _lines(root: yaml.Node, keys: dict[str, yaml.Node]) -> dict[str, int]:
    lines = {key: line_of(node) for key, node in keys.items()}  # those that are merged have no key of their own
    lines |= {key.value: line_of(key) for key, _ in root.value}
    if isinstance(scales := keys.get("scales"), yaml.MappingNode):
        lines |= {f"scales.{name.value}": line_of(name) for name, _ in scales.value}
    return lines

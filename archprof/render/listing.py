"""What there is to name, and what is known of a block, as reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.listing import LISTINGS, Item, Listing
from archprof.render.formats import FORMATS
from archprof.render.report import Report
from archprof.render.table import Column, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.registry import Block
    from archprof.render.formats import Format


def report_of_kinds() -> Report:
    """Every kind, with how to list its things."""
    kinds = list(LISTINGS.items())
    table = table_of(KIND_COLUMNS, kinds, "kind")
    record = [{"kind": name, "about": listing.about} for name, listing in kinds]
    return Report(about=["archprof list KIND, or KIND:PATTERN"], tables=[table], record=record, data=table)


def report_of_items(kind: str, items: Sequence[Item]) -> Report:
    """The things of one kind."""
    plain = [{"name": item.name, "usage": item.usage, "about": item.about} for item in items]
    says_more = {
        "usage": any(item.usage != item.name for item in items),
        "about": any(item.about for item in items),
    }
    table = table_of([column for column in ITEM_COLUMNS if says_more.get(column.key, True)], items, "name")
    data = table_of(ITEM_COLUMNS, items, "name")
    return Report(
        title=f"{kind}: {LISTINGS[kind].about}", tables=[table], record={"kind": kind, "items": plain}, data=data
    )


def report_of_blocks(name: str, blocks: Sequence[Block]) -> Report:
    """What there is to say about the blocks of one name, a part each."""
    described = [_described(block) for block in blocks]
    parts = [
        Report(
            title=f"{name} ({entry['family']})",
            about=[text for text in (entry["about"],) if text],
            facts=[(label, [entry[key]]) for key, label in _FACTS.items() if entry[key]],
        )
        for entry in described
    ]
    return Report(parts=parts, record=described, data=table_of(BLOCK_COLUMNS, described, "family"))


def _described(block: Block) -> dict[str, Any]:
    from archprof.builder import block_help

    example = block_help.example(block)
    factory = block.factory
    return {
        "block": block.name,
        "family": block.family,
        "about": block_help.about(block),
        "class": f"{factory.__module__}.{getattr(factory, '__qualname__', type(factory).__name__)}",
        "takes": f"{block.name}{block_help.takes(block)}",
        "rule": block_help.rule_of(block),
        "example": example.text if example else None,
        "file": f"{example.spec.path}:{example.row.line}" if example else None,
    }


_FACTS = {
    "class": "class",
    "takes": "constructor",
    "rule": "rule",
    "example": "example row",
    "file": "from",
}
"""What is printed of a block, in this order."""

KIND_COLUMNS = (
    Column("kind", "kind", lambda entry: entry[0]),
    Column("about", "what they are", lambda entry: entry[1].about, wraps=True),
    Column("usage", "type", lambda entry: f"archprof list {entry[0]}", visible=False),
)

ITEM_COLUMNS = (
    Column("name", "name", min_width=12),
    Column("usage", "usage", wraps=True),
    Column("about", "about", wraps=True),
)

BLOCK_COLUMNS = tuple(
    Column(key, key, lambda entry, key=key: entry[key])  # type: ignore[misc]
    for key in ("block", "family", "about", *_FACTS)
)


_NO_SUFFIX = {"fragment": "a part of an HTML page"}
"""Formats that no file's name stands for."""


def _format(name: str, value: Format) -> Item:
    files = f"files that end in {', '.join(value.suffixes)}" if value.suffixes else ""
    findings = "for check and claims" if value.findings_only else ""
    return Item(
        name, f"--format {name}", "; ".join(part for part in (files, findings) if part) or _NO_SUFFIX.get(name, "")
    )


with LISTINGS.own():
    LISTINGS.register("formats", Listing("output formats", FORMATS.items, _format))

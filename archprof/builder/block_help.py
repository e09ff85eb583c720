"""What a reader of a YAML may want to know about a block: what it takes, what its row is turned into, an example."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.builder.plugins import load_family
from archprof.builder.registry import registry
from archprof.builder.stock import register_stock
from archprof.errors import ArchprofError, UnknownReferenceError, did_you_mean
from archprof.sources import families, usercode, yaml_file
from archprof.sources.origins.stock import stock
from archprof.sources.spec import STOCK, YOLOV5

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archprof.builder.registry import Block
    from archprof.sources.spec import Row, VariantSpec


@dataclass(frozen=True, slots=True)
class Example:
    """A row of a YAML that names a block."""

    spec: VariantSpec
    row: Row

    @property
    def text(self) -> str:
        """The row as the dialect writes it."""
        row = self.row
        sources = list(row.sources) if row.many else row.sources[0]
        return f"[{_plain(sources)}, {row.repeats}, {row.module}, {_plain(list(row.arguments))}]"


def all_blocks() -> list[Block]:
    """Every block of Ultralytics, of the installed families and of plugins, in alphabetical order."""
    register_stock()
    for family in (YOLOV5, *families.families()):
        load_family(family)
    return registry.blocks()


def blocks_named(name: str) -> list[Block]:
    """The blocks of that name, one for each family that has one.

    Raises:
        UnknownReferenceError: Where there is none.
    """
    everything = all_blocks()
    blocks = [block for block in everything if block.name == name]
    if not blocks:
        hint = did_you_mean(name, {block.name for block in everything}) or "`archprof list blocks` shows all of them"
        raise UnknownReferenceError(f"there is no block {name!r}", hint=hint)
    return blocks


def takes(block: Block) -> str:
    """The parameters of a block's constructor, as Python writes them without their types."""
    return usercode.takes(block.factory) or "(...)"


def rule_of(block: Block) -> str:
    """What the constructor gets of a row, in words."""
    paragraph, _, _ = (inspect.getdoc(block.rule) or "").partition("\n\n")
    return " ".join(paragraph.replace("`", "").split())


def about(block: Block) -> str:
    """The first sentence that the block's own documentation has."""
    own = block.factory.__doc__ if block.factory.__doc__ else ""
    paragraph, _, _ = inspect.cleandoc(own).partition("\n\n")
    return re.split(r"(?<=\.)\s", " ".join(paragraph.replace("`", "").split()), maxsplit=1)[0]


def example(block: Block) -> Example | None:
    """The first row that names the block, in Ultralytics' own YAMLs or those of the block's family."""
    for family, path in _files(block.family):
        try:
            spec = yaml_file.load(path, family=family)
        except ArchprofError:
            continue
        for row in spec.rows:
            if row.module == block.name:
                return Example(spec, row)
    return None


def _files(family: str) -> Iterator[tuple[str, Path]]:
    if family in (STOCK, "*"):
        yield from ((STOCK, path) for path in stock().values())
    for known, _, path in families.variants():
        if family in (known.name, STOCK, "*"):
            yield known.name, path


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_plain, value))}]"
    return str(value)

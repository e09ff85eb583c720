"""A table as aligned text that fits a width: text may be cut, numbers never."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from archprof.render.table import Column, Table

Style = Callable[[str, str], str]
"""Gives a piece of text the style of that name."""

_CODES = {"name": "1", "head": "2", "total": "1", "label": "2", "bad": "1;31"}


def painter(color: bool) -> Style:
    """What styles text with ANSI codes, or what leaves it alone."""
    return _coloured if color else _plain


def _plain(text: str, style: str) -> str:
    return text


def _coloured(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def lay_out(table: Table, width: int, style: Style) -> list[str]:
    """The lines of a table, at most ``width`` wide where cutting its text can bring that about.

    Spare columns go first. Columns that may be cut give way from the right, each down to its narrowest; where that is
    not enough they go altogether, again from the right. The column that says what a line is always stays.
    """
    table = table.printed
    cells = _cells(table)
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= width else 1
    excess = sum(widths) + gap * (len(widths) - 1) - width
    for place in reversed([place for place, column in enumerate(table.columns) if column.spare]):
        if excess > 0:
            excess -= widths[place] + gap
            widths[place] = 0
    cut = [place for place, column in enumerate(table.columns) if column.shrinks]
    for place in reversed(cut):
        saved = min(max(excess, 0), max(widths[place] - table.columns[place].shrinks, 0))
        widths[place] -= saved
        excess -= saved
    for place in reversed(cut):
        if excess > 0 and table.columns[place].key != table.label:
            excess -= widths[place] + gap
            widths[place] = 0
    lines = [_line(table.columns, row, widths, gap) for row in cells]
    lines[0] = style(lines[0], "head")
    if table.total:
        lines[-1] = style(lines[-1], "total")
    return lines


def _cells(table: Table) -> list[list[str]]:
    records = [*table.records, *([table.total] if table.total else [])]
    return [
        [column.title for column in table.columns],
        *([column.text(value) for column, value in zip(table.columns, record, strict=True)] for record in records),
    ]


def _line(columns: tuple[Column, ...], row: list[str], widths: list[int], gap: int) -> str:
    cells = [
        _padded(cut(text, width), width, column.number)
        for column, text, width in zip(columns, row, widths, strict=True)
        if width
    ]
    return (" " * gap).join(cells).rstrip()


def cut(text: str, width: int) -> str:
    """The text, its end replaced with ``…`` where it is wider than ``width`` terminal cells."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space

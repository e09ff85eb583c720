"""Text that fits a width: tables whose words may be cut, and whose numbers never are; sentences that are broken."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render.table import Column, Table

Style = Callable[[str, str], str]
"""Gives a piece of text the style of that name."""

_CODES = {"name": "1", "head": "2", "total": "1", "label": "2", "bad": "1;31", "changed": "33"}
"""Weights for what things are; colours for what fails and what has changed, and for nothing else."""

WIDE = 130
"""Cells from which on a terminal shows further columns."""

WHOLE_LABEL = 24
"""Cells up to which what a row is called is left whole while another column can give way."""

COMFORTABLE = 24
"""Cells that a cell of several lines has before another column gives way to it."""

MOST_LINES = 4
"""How many lines one cell of a column may take that may be cut."""

NARROWEST = 20
"""No sentence is broken into lines of fewer cells, however narrow the page is."""

_TIE = "\N{NO-BREAK SPACE}"


def painter(color: bool) -> Style:
    """What styles text with ANSI codes, or what leaves it alone."""
    return _coloured if color else _plain


def _plain(text: str, style: str) -> str:
    return text


def _coloured(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def wrapped(text: str, width: int, indent: str = "", further: str | None = None) -> list[str]:
    """The lines of a sentence; no number is parted from its unit.

    Args:
        text: The sentence.
        width: Cells in a line, the indentation among them.
        indent: What stands before the first line.
        further: What stands before the others; by default the same.
    """
    tied = re.sub(r"(?<=\d) (?=\S)", _TIE, " ".join(text.split(" ")))
    lines = textwrap.wrap(
        tied,
        max(width, NARROWEST + len(indent)),
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(_TIE, " ") for line in lines]


def joined(pieces: Sequence[str], width: int, *, fixed: bool = True) -> list[str]:
    """Pieces with dots between them, broken between pieces before any is broken inside.

    Args:
        pieces: The pieces.
        width: Cells in a line.
        fixed: Whether no line may be wider: a piece that is has its lines, or of a path the beginning is left out.
    """
    lines: list[str] = []
    for piece in pieces:
        if fixed and " " not in piece and len(piece) > width:  # a path, whose end tells more than its beginning
            piece = "…" + piece[1 - width :]
        if lines and len(lines[-1]) + 3 + len(piece) <= width:
            lines[-1] += f" · {piece}"
        else:
            lines += wrapped(piece, width) if fixed else [piece]
    return lines or [""]


def table_lines(table: Table, width: int, style: Style) -> list[str]:
    """The lines of a table, at most ``width`` wide where cutting its text can bring that about."""
    columns = table.visible
    rows = [[column.title for column in columns], *table.cells()]
    widths, gap = _widths(columns, rows, table.label, width)
    texts = [
        _fitted(column, cells, width)
        for column, cells, width in zip(columns, zip(*rows, strict=True), widths, strict=True)
    ]
    lines = [list(_lines(columns, row, widths, gap)) for row in zip(*texts, strict=True)]
    for index, name in enumerate(table.row_styles(), 1):
        if name:
            lines[index] = [style(text, name) for text in lines[index]]
    lines[0] = [style(text, "head") for text in lines[0]]
    if table.total:
        lines[-1] = [style(text, "total") for text in lines[-1]]
    return [text for row in lines for text in row]


def continued(table: Table, width: int) -> list[Table]:
    """A table, or several below each other where the columns that always stay are wider than a line.

    Each has the first columns, which say what a row is, and as many of the others as there is room for.
    """
    columns = table.visible
    texts = list(zip([column.title for column in columns], *table.cells(), strict=True))
    cells = [max(map(cell_len, of_column)) for of_column in texts]
    narrowest = [
        min(full, _narrowest(*pair)) for full, pair in zip(cells, zip(columns, texts, strict=True), strict=True)
    ]
    # What may be left out, or be cut to nothing, is; the label stays.
    staying = [
        index
        for index, column in enumerate(columns)
        if not column.droppable and (column.key == table.label or not column.min_width)
    ]
    if sum(narrowest[index] + 1 for index in staying) - 1 <= width:
        return [table]
    count = next((place for place, index in enumerate(staying) if columns[index].number), len(staying))
    names = staying[:count]
    groups: list[list[int]] = []
    room = 0
    for index in staying[count:]:
        if not groups or cells[index] > room:
            groups.append([])
            room = width - sum(narrowest[name] + 2 for name in names)
        groups[-1].append(index)
        room -= cells[index] + 2
    return [_of_columns(table, [columns[index].key for index in (*names, *group)]) for group in groups] or [table]


def _of_columns(table: Table, keys: Sequence[str]) -> Table:
    columns = (replace(column, visible=column.visible and column.key in keys) for column in table.columns)
    return replace(table, columns=tuple(columns))


def widened(table: Table, width: int) -> Table:
    """A table with further columns, from the left, as long as nothing gives way to them."""
    if width < WIDE:
        return table
    for index, column in enumerate(table.columns):
        if column.wide and not column.visible:
            columns = (*table.columns[:index], replace(column, visible=True), *table.columns[index + 1 :])
            wider = replace(table, columns=columns)
            if _full_width(wider) <= width:
                table = wider
    return table


def _full_width(table: Table) -> int:
    rows = [[column.title for column in table.visible], *table.cells()]
    widths = [max(map(cell_len, texts)) for texts in zip(*rows, strict=True)]
    return sum(widths) + 2 * (len(widths) - 1)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], label: str, width: int) -> tuple[list[int], int]:
    """The width of each column, 0 for one that is left out, and the gap between them.

    Which columns there is room for goes by the narrowest that each may be: droppable ones are left out first, then
    those with a least width, from the right; the label always stays. Those that may be cut then give way, and last
    those that wrap.
    """
    cells = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, texts)) for texts in cells]
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= width else 1
    narrowest = [
        min(full, _narrowest(column, texts)) for column, texts, full in zip(columns, cells, widths, strict=True)
    ]
    named = [index for index, column in enumerate(columns) if column.key == label and column.min_width]
    visible = list(range(len(columns)))

    def excess(of: Sequence[int]) -> int:
        return sum(of[index] + gap for index in visible) - gap - width

    droppable = [index for index in visible if columns[index].droppable]
    shortened = [index for index in visible if columns[index].min_width and columns[index].key != label]
    # Another text gives way before the label does.
    unshortened = named if shortened else []
    fitting = [
        min(widths[index], WHOLE_LABEL) if index in unshortened else least for index, least in enumerate(narrowest)
    ]
    for index in (*reversed(droppable), *reversed(shortened)):
        if excess(fitting) > 0 and index in visible:
            visible.remove(index)
    long = [(index, COMFORTABLE) for index in visible if columns[index].wraps and columns[index].min_width]
    order = sorted(visible, key=lambda index: (index in unshortened, columns[index].wraps, -index))
    for index, least in (*long, *((index, narrowest[index]) for index in order)):
        widths[index] -= min(max(excess(widths), 0), max(widths[index] - least, 0))
    total = sum(widths[index] for index in visible)
    gap = 2 if total + 2 * (len(visible) - 1) <= width else 1
    return [width if index in visible else 0 for index, width in enumerate(widths)], gap


def _narrowest(column: Column, texts: Sequence[str]) -> int:
    """The least cells of a column: where it wraps those of its longest word, for no number is cut."""
    if column.wraps and not column.min_width:
        return max(cell_len(word) for text in texts for word in _tied(text).split(" "))
    return max(column.min_width, cell_len(column.title) if column.wraps else 0) or max(map(cell_len, texts))


def _lines(columns: Sequence[Column], row: Sequence[list[str]], widths: Sequence[int], gap: int) -> Iterator[str]:
    """The lines of one row: one, or as many as its longest wrapped cell takes."""
    visible = [index for index, width in enumerate(widths) if width]
    for pieces in zip_longest(*(row[index] for index in visible), fillvalue=""):
        padded = [
            _padded(text, widths[index], columns[index].number) for index, text in zip(visible, pieces, strict=True)
        ]
        yield (" " * gap).join(padded).rstrip()


def _fitted(column: Column, texts: Sequence[str], width: int) -> list[list[str]]:
    """The lines of each cell of a column; texts that differ still differ where they are cut."""
    if not width or all(cell_len(text) <= width for text in texts):
        return [[text] for text in texts]
    if column.wraps:
        return [_folded(_tied(text), width, MOST_LINES if column.min_width else None) for text in texts]
    for shorten in (cut, cut_middle, cut_start):
        shortened = {text: shorten(text, width) for text in texts}
        if len({*shortened.values()}) == len(shortened):
            return [[shortened[text]] for text in texts]
    return [_folded(text, width) for text in texts]


def _folded(text: str, width: int, most: int | None = None) -> list[str]:
    """A cell in several lines, at most so many, broken between words as far as that is possible."""
    lines = textwrap.wrap(text, width, break_on_hyphens=False, max_lines=most, placeholder=" …")
    return [line.replace(_TIE, " ") for line in lines] or [""]


def _tied(text: str) -> str:
    """The text of a cell with each number tied to its unit, and what it counts; it may break after a shape."""
    return re.sub(r"(?<=\d) (?!and )(?=\S)|(?<=\band) (?=\d)", _TIE, text)


def cut(text: str, width: int) -> str:
    """The text, its end replaced with ``…`` where it is wider than ``width`` terminal cells."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def cut_start(text: str, width: int) -> str:
    """The same where its beginning gives way."""
    return cut(text[::-1], width)[::-1]


def cut_middle(text: str, width: int) -> str:
    """The same where its middle gives way."""
    if cell_len(text) <= width:
        return text
    head = (width - 1) // 2
    return set_cell_size(text, head) + cut_start(text, width - head)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space

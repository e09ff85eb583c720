"""A report as one file for a browser: its figures can be asked, its tables sorted, searched and folded.

Everything is in the file: the drawing library, which vl-convert brings, the style and a script of our own. A content
security policy in the page keeps it from loading or sending anything, whatever a name or an error in it says.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import count
from typing import TYPE_CHECKING, Any

from archprof.errors import OutputError
from archprof.render.figures.style import for_page
from archprof.units import plural
from archprof.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jinja2 import Environment

    from archprof.render.figures import Figure
    from archprof.render.report import Report
    from archprof.render.table import Column, Table

MANY = 2000
"""Marks from which on a figure is drawn as a bitmap: as many elements of their own would make the page slow."""

LONG = 1000
"""Rows of a table above which it is folded at first: a browser lays out what is open before it draws anything."""

NOUNS = {
    "experts": ("number of experts", "numbers of experts"),
    "family": ("family", "families"),
    "limit": ("point of the front", "points of the front"),
    "method": ("answer",),
    "part": ("part of the time", "parts of the time"),
    "quantity": ("quantity", "quantities"),
    "what": ("step",),
}
"""What the records of a table are called, where that is not the name of the column that labels them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, the number that it is sorted by where the text is another, and its indentation."""

    text: str
    value: float | int | None
    number: bool
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as the page has it; ``rows`` have the index of the row of the file that they are about, or None."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[tuple[int | None, Sequence[Cell]]]
    foot: Sequence[Sequence[Cell]]
    folded: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as the page has it."""

    number: int
    figure: Figure
    spec: str
    renderer: str


@dataclass(frozen=True, slots=True)
class Section:
    """A report, or a part of one, as the page has it; ``key`` begins the names of its rows."""

    key: str
    level: int
    report: Report
    drawings: Sequence[Drawing]
    grids: Sequence[Grid]
    parts: Sequence[Section]


def render(report: Report) -> str:
    """The page.

    Raises:
        OutputError: Where what draws figures is not installed.
    """
    section = next(_sections([report], 1, count(1), count(1)))
    has_figures = any(_drawings(section))
    library = bundle() if has_figures else ""
    style, script = (_text(name) for name in ("style.css", "script.js"))
    scripts = [text for text in (library, script) if text]
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_digest, scripts))}",
            "style-src 'unsafe-inline'",  # vega-embed makes the style of its controls and tips itself
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    template = _environment().get_template("page.html")
    page: str = template.render(
        section=section, style=style, scripts=scripts, policy=policy, version=__version__, figures=has_figures
    )
    return page.strip() + "\n"


def _drawings(section: Section) -> Iterator[Drawing]:
    yield from section.drawings
    for part in section.parts:
        yield from _drawings(part)


def _sections(reports: Sequence[Report], level: int, keys: Iterator[int], numbers: Iterator[int]) -> Iterator[Section]:
    for report in reports:
        key = f"part-{next(keys)}"
        drawings = [
            Drawing(next(numbers), figure, as_script(for_page(figure)), renderer_of(figure.spec))
            for figure in report.figures()
        ]
        grids = [_grid(table) for table in report.tables if not table.text_only]
        parts = list(_sections(report.parts, min(level + 1, 5), keys, numbers))
        yield Section(key, level, report, drawings, grids, parts)


def renderer_of(spec: dict[str, Any]) -> str:
    """How a figure is drawn: as "svg", whose marks can be read, or as "canvas" where there are too many of them."""
    data = spec["data"] if isinstance(spec["data"], list) else [spec["data"]]
    return "canvas" if sum(len(entry.get("values", ())) for entry in data) > MANY else "svg"


def as_script(data: Any) -> str:
    """JSON that may stand in a script element: nothing in it ends the element, or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _grid(table: Table) -> Grid:
    columns = table.visible
    shown = [index for index, column in enumerate(table.columns) if column.visible]
    rows_of = _row_indices(table)
    lines = [*table.records, *(line for line in (table.rest, table.total) if line)]
    cells = [
        [_cell(text, table.columns[index], line[index]) for text, index in zip(texts, shown, strict=True)]
        for texts, line in zip(table.cells(), lines, strict=True)
    ]
    end = len(table.records)
    label = "row" if any(index is not None for index in rows_of) else table.noun or table.label
    return Grid(
        title=table.folded or plural(end, *NOUNS.get(label, (label,))),
        columns=columns,
        rows=list(zip(rows_of, cells[:end], strict=True)),
        foot=cells[end:],
        folded=bool(table.folded) or end > LONG,
    )


def _row_indices(table: Table) -> list[int | None]:
    """The index of the file's row that each record is about, where the table is of rows."""
    index = next((index for index, column in enumerate(table.columns) if "row" in (column.key, column.title)), None)
    values = [None if index is None else record[index] for record in table.records]
    return [None if value is None or not str(value).isdecimal() else int(value) for value in values]


def _cell(text: str, column: Column, value: Any) -> Cell:
    raw = column.plain(value)
    number = raw if isinstance(raw, (int, float)) and not isinstance(raw, bool) else None
    stripped = text.lstrip(" ")
    is_plain = number is not None and column.number and stripped == str(number)
    return Cell(stripped, None if is_plain else number, column.number, len(text) - len(stripped))


@cache
def bundle() -> str:
    """The drawing library as a module of JavaScript.

    Raises:
        OutputError: Where it is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        message = "vl-convert is not installed, which draws figures"
        raise OutputError(message, hint="pip install vl-convert-python") from None
    # Its types call the snippet required, which its documentation calls optional.
    text: str = vl_convert.javascript_bundle()  # type: ignore[call-arg, unused-ignore]
    if "</script" in text or "<!--" in text:
        raise OutputError("vl-convert's JavaScript cannot stand in a page", hint="install another release of it")
    return text


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise OutputError("jinja2 is not installed, which makes pages", hint="pip install jinja2") from None
    return Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

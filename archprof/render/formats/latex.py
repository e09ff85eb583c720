r"""LaTeX, to be pasted into a paper: each table as a ``table`` with the rules of the package booktabs.

What is no table stands in comments above it; the conditions of the figures are in the caption.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render import Page
    from archprof.render.report import Report

_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "×": r"$\times$",
    "Δ": r"$\Delta$",
    "→": r"$\rightarrow$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "µ": r"$\mu$",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    "·": r"$\cdot$",
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_ESCAPES = str.maketrans(_SIGNS)


def render(report: Report, page: Page) -> str:
    """Every table of the report; facts are a table where there is no other."""
    lines = ["% needs \\usepackage{booktabs}"]
    tables = list(_tables(report, ()))
    if not tables and report.facts:
        columns = (Column("label", ""), Column("facts", ""))
        facts = tuple((label, " · ".join(pieces)) for label, pieces in report.facts)
        tables = [(report.title, Table(columns, facts, label="label"))]
        lines += [_comment(text) for text in _remarks(report, facts=False)]
    else:
        lines += [_comment(text) for text in _remarks(report)]
    for caption, table in tables:
        lines += ["", *_table(caption, table)]
    return "\n".join(lines) + "\n"


def _tables(report: Report, above: Sequence[str]) -> Iterator[tuple[str, Table]]:
    """Every table with its caption: the titles above it, and what its figures were made with."""
    titles = [*above, *([report.title] if report.title else [])]
    caption = ", ".join([*titles, *report.about])
    for table in report.tables:
        if not table.text_only:
            yield caption, table
    for part in report.parts:
        yield from _tables(part, titles)


def _remarks(report: Report, *, facts: bool = True) -> Iterator[str]:
    if report.status or report.verdict:
        yield ": ".join(text for text in (report.title, report.status or report.verdict) if text)
    if facts:
        yield from (f"{label}: {' · '.join(pieces)}" if label else " · ".join(pieces) for label, pieces in report.facts)
    yield from report.conclusions
    yield from report.notes
    for part in report.parts:
        yield from _remarks(part)


def _comment(text: str) -> str:
    return "\n".join(f"% {line}" for line in text.splitlines())


def _table(caption: str, table: Table) -> Iterator[str]:
    columns = table.visible
    rows = table.cells()
    after = len(table.records) + bool(table.rest)
    yield r"\begin{table}"
    yield r"  \centering"
    if caption:
        yield f"  \\caption{{{escaped(caption)}}}"
    yield f"  \\begin{{tabular}}{{{''.join('r' if column.number else 'l' for column in columns)}}}"
    yield r"    \toprule"
    if any(column.title for column in columns):
        yield f"    {_line([escaped(column.title) for column in columns])}"
        yield r"    \midrule"
    for index, row in enumerate(rows):
        if table.total and index == after:
            yield r"    \midrule"
        yield f"    {_line([_cell(column, text) for column, text in zip(columns, row, strict=True)])}"
    yield r"    \bottomrule"
    yield r"  \end{tabular}"
    yield r"\end{table}"


def _line(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _cell(column: Column, text: str) -> str:
    """A cell; the sign of a number is a sign and no hyphen, and indentation of a tree is kept."""
    bare = text.lstrip(" ")
    if column.number and re.match(r"[+-]\d", bare):
        return f"${bare[0]}${escaped(bare[1:])}"
    return r"\hspace*{1em}" * ((len(text) - len(bare)) // 2) + escaped(bare)


def escaped(text: str) -> str:
    """Text that LaTeX prints literally, in any of its engines."""
    return " ".join(text.splitlines()).translate(_ESCAPES)

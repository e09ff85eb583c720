"""Markdown, as GitHub shows it: facts as a list, tables as tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render import Page
    from archprof.render.report import Report
    from archprof.render.table import Table

_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "\\|*_`<>[]"})

_COMMAND = re.compile(r"(`archprof [^`\n]*`)")

_LAST = 100
"""Characters that the line needs which says how much was left out."""


def render(report: Report, page: Page) -> str:
    """The report, headings from the third level down, and not longer than it may be."""
    lines = [line for block in _blocks(report, 3) for line in (*block, "")][:-1]
    return "\n".join(_fitting(lines, report.limit)) + "\n"


def _blocks(report: Report, level: int) -> Iterator[list[str]]:
    if report.title:
        status = f": {escaped(report.status)}" if report.status else ""
        yield [f"{'#' * level} {escaped(report.title)}{status}"]
    if report.about:
        yield [escaped(" · ".join(report.about))]
    if report.verdict:
        yield [escaped(report.verdict)]
    for conclusion in report.conclusions:
        yield [f"**{escaped(conclusion)}**"]
    if report.facts:
        yield [_fact(label, pieces) for label, pieces in report.facts]
    for table in report.tables:
        if not table.text_only:
            lines = table_lines(table)
            folded = [f"<details><summary>{table.folded}</summary>", "", *lines, "", "</details>"]
            yield folded if table.folded else lines
    if report.notes:
        yield [line for note in report.notes for line in _note(note)]
    for part in report.parts:
        yield from _blocks(part, min(level + 1, 6))


def _fact(label: str, pieces: Sequence[str]) -> str:
    text = _with_code(" · ".join(pieces))
    return f"- **{label}**: {text}" if label else f"  - {text}"


def _note(note: str) -> Iterator[str]:
    sentence, *commands = note.split("\n")
    yield f"- {_with_code(sentence)}"
    yield from (f"  `{command}`" for command in commands)


def table_lines(table: Table) -> list[str]:
    """The lines of a table; of its columns those that are printed."""
    rows = [[escaped(text) for text in row] for row in table.cells()]
    if table.total:
        rows[-1] = [f"**{text}**" if text else "" for text in rows[-1]]
    lines = [
        [escaped(column.title) for column in table.visible],
        ["---:" if column.number else "---" for column in table.visible],
        *rows,
    ]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def escaped(text: str) -> str:
    """Text that markdown takes literally; indentation of a tree is kept."""
    bare = text.lstrip(" ")
    return "&emsp;" * ((len(text) - len(bare)) // 2) + _literal(bare)


def _literal(text: str) -> str:
    return text.translate(_ESCAPES).replace("\n", " ")


def _with_code(text: str) -> str:
    """A sentence in which commands of archprof's are set as code, and everything else is taken literally."""
    parts = _COMMAND.split(text)
    return "".join(part if index % 2 else _literal(part) for index, part in enumerate(parts))


def _fitting(lines: list[str], limit: int | None) -> list[str]:
    """As many lines as there is room for, and how many are left out."""
    if limit is None or sum(len(line) + 1 for line in lines) <= limit:
        return lines
    room, count = limit - _LAST, 0
    while room > len(lines[count]):
        room -= len(lines[count]) + 1
        count += 1
    return [*lines[:count], "", f"… and {len(lines) - count} more lines"]

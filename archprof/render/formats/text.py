"""Plain text for a terminal, a pipe or a file: facts above, tables below."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.cells import cell_len

from archprof.render.layout import NARROWEST, continued, cut, joined, painter, table_lines, widened, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render import Page
    from archprof.render.layout import Style
    from archprof.render.report import Report

LABEL = 12
"""Cells of a fact's label, two before it and the gap behind it not counted."""


def render(report: Report, page: Page) -> str:
    """The report, a blank line between its parts."""
    return "\n\n".join(map("\n".join, _blocks(report, page, painter(page.color)))) + "\n"


def _blocks(report: Report, page: Page, style: Style) -> Iterator[list[str]]:
    width = page.width if page.cut else sys.maxsize
    head = [*_heading(report, page, style), *_facts(report, page, style)]
    if head:
        yield head
    if report.conclusions:
        yield _sentences(report.conclusions, width)
    for table in report.tables:
        pieces = continued(widened(table, width), width) if page.cut else [table]
        yield from (table_lines(piece, width, style) for piece in pieces)
    if report.notes:
        yield _sentences(report.notes, width)
    for part in report.parts:
        yield from _blocks(part, page, style)


def _heading(report: Report, page: Page, style: Style) -> list[str]:
    """The title, what one must know of it, and how it ended: on one line where there is room."""
    width = page.width
    if not report.title:
        return []
    about, status = " · ".join(report.about), report.status
    styled = style(status, "bad") if status and report.failed else status
    if sum(cell_len(text) + 3 for text in (report.title, about, status) if text) - 3 <= width:
        return ["   ".join(text for text in (style(report.title, "name"), about, styled) if text)]
    title = (
        wrapped(report.title, width)
        if " " in report.title
        else [cut(report.title, width) if page.cut else report.title]
    )
    lines = [style(line, "name") for line in title]
    lines += [f"  {line}" for line in joined(report.about, width - 2, fixed=page.cut)] if about else []
    return [*lines, *([f"  {styled}"] if status else [])]


def _facts(report: Report, page: Page, style: Style) -> Iterator[str]:
    """The facts, one below the other: labels to the left, and what belongs to them wrapped."""
    for label, pieces in report.facts:
        first, *more = joined(pieces, max(page.width - LABEL - 2, NARROWEST), fixed=page.cut)
        if len(label) >= LABEL:
            yield f"  {style(label, 'label')}"
            more.insert(0, first)
        else:
            yield f"  {style(f'{label:<{LABEL}}', 'label')}{first}".rstrip()
        yield from (" " * (LABEL + 2) + line for line in more)


def _sentences(notes: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for note in notes:
        sentence, *commands = note.split("\n")
        lines += wrapped(sentence, width, further="  ")
        lines += [f"    {command}" for command in commands]
    return lines

"""A fragment of HTML that stands anywhere in a page, without scripts or styles of its own; all text is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render import Page
    from archprof.render.report import Report
    from archprof.render.table import Table


def render(report: Report, page: Page) -> str:
    """The report, headings from the third level down."""
    return "\n".join(_blocks(report, 3)) + "\n"


def _blocks(report: Report, level: int) -> Iterator[str]:
    if report.title:
        status = f": {report.status}" if report.status else ""
        yield _tagged(f"h{level}", report.title + status)
    if report.about:
        yield _tagged("p", " · ".join(report.about))
    if report.verdict:
        yield _tagged("p", report.verdict)
    for conclusion in report.conclusions:
        yield f"<p>{_tagged('strong', conclusion)}</p>"
    if report.facts:
        yield _list(
            f"{_tagged('b', label)} " * bool(label) + escape(" · ".join(pieces)) for label, pieces in report.facts
        )
    for table in report.tables:
        if not table.text_only:
            lines = table_lines(table)
            yield f"<details><summary>{escape(table.folded)}</summary>{lines}</details>" if table.folded else lines
    if report.notes:
        yield _list("<br>".join(_lines(note.split("\n"))) for note in report.notes)
    for part in report.parts:
        yield from _blocks(part, min(level + 1, 6))


def table_lines(table: Table) -> str:
    """A table; of its columns those that are printed."""
    columns = table.visible
    head = "".join(_cell("th", column.title, column.number) for column in columns)
    body = "\n".join(
        f"<tr>{''.join(_cell('td', text, column.number) for text, column in zip(row, columns, strict=True))}</tr>"
        for row in table.cells()
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _cell(tag: str, text: str, number: bool) -> str:
    side = "right" if number else "left"
    return f'<{tag} style="text-align: {side}">{escape(text).replace("  ", "&emsp;")}</{tag}>'


def _list(items: Iterator[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{item}</li>" for item in items) + "\n</ul>"


def _lines(lines: Sequence[str]) -> Iterator[str]:
    sentence, *commands = lines
    yield escape(sentence)
    yield from (_tagged("code", command) for command in commands)


def _tagged(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>"

"""A record in a notebook or a data frame: the report of its kind, as HTML and as rows of raw values."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.errors import OutputError
from archprof.render import Page
from archprof.render.drawing import draw
from archprof.render.figures.style import READABLE
from archprof.render.formats import FORMATS
from archprof.render.reports import report_of

if TYPE_CHECKING:
    from archprof.records.record import Record
    from archprof.render.report import Report


@dataclass(frozen=True, slots=True)
class ReportPresentation:
    """A report, presented."""

    report: Report

    def html(self) -> str:
        """A fragment of HTML, with the first figure where one can be drawn."""
        fragment = FORMATS["fragment"].text(self.report, Page())
        for figure in self.report.figures()[:1]:
            with suppress(OutputError):
                return draw(figure, "svg", READABLE, size=11, title=True, inline=True).decode() + fragment
        return fragment

    def rows(self) -> list[dict[str, Any]]:
        """The table that CSV holds."""
        table = self.report.main_table
        if table is None:
            return []
        keys, rows = table.saved()
        return [dict(zip(keys, row, strict=True)) for row in rows]


def present(record: Record) -> ReportPresentation:
    """The presentation of a record."""
    return ReportPresentation(report_of(record))

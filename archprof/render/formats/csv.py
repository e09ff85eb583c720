"""CSV: one table of raw values in SI units, a column for each of its columns; no totals that would be summed again."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Report


def render(report: Report, page: Page) -> str:
    """The report's data; without any, the first table that is anywhere in it."""
    table = report.main_table
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if table:
        keys, rows = table.saved()
        writer.writerows([keys, *rows])
    return text.getvalue() or "\n"

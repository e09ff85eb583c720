"""One line for each thing that is wrong, with its file and line, as compilers and editors have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Report


def render(report: Report, page: Page) -> str:
    """The findings, the worst first, then how the whole ended."""
    lines = []
    for finding in report.findings:
        line = "" if finding.line is None else f":{finding.line}"
        lines.append(f"{finding.file}{line}: {finding.level}: {finding.title}: {finding.text}")
    return "\n".join([*lines, report.verdict]) + "\n"

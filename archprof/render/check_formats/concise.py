"""One line for each thing that is wrong, with its file and line, as compilers and editors have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.render.check_formats import finding_text
from archprof.render.check_formats.findings import findings

if TYPE_CHECKING:
    from archprof.records.check_result import Check
    from archprof.render import View


def render(check: Check, view: View) -> str:
    """The findings, the worst first, then how many cases there are."""
    lines = []
    for finding in findings(check):
        line = "" if finding.line is None else f":{finding.line}"
        lines.append(f"{finding.file}{line}: {finding.level}: {finding.title}: {finding.text}")
    return "\n".join([*lines, finding_text.counts(check)]) + "\n"

"""For a pull request's comment or a step's summary: a table of what is wrong, one of what holds, bounded in length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.render import markdown
from archprof.render.check_formats import finding_text
from archprof.render.check_formats.findings import cases, findings
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from archprof.records.check_result import Check
    from archprof.render import View
    from archprof.render.check_formats.findings import Finding
    from archprof.render.table import Record

LIMIT = 60_000
"""The most characters: GitHub takes 65,536 in a comment, and 1 MiB in a step's summary."""

_WRONG = (
    Column("variant", "variant"),
    Column("figure", "figure"),
    Column("expected", "expected"),
    Column("found", "found"),
    Column("beyond", "beyond"),
    Column("because", "because"),
    Column("accept", "if it is meant"),
)
_HOLDING = (Column("variant", "variant"), Column("says", "within budget"))


def render(check: Check, view: View) -> str:
    """A heading that says how it ended, and tables."""
    title = {0: "Within budget", 1: "Over budget", 2: "Could not be judged"}[check.exit_code]
    lines = [f"### {title}", "", markdown.escaped(finding_text.counts(check)), ""]
    wrong = tuple(_record(finding, check) for finding in findings(check))
    rest = [case for case in cases(check) if case.state not in ("failed", "warning")]
    holding = tuple((finding_text.title(case), finding_text.tightest(case)) for case in rest)
    room = LIMIT - sum(map(len, lines))
    for columns, records in ((_WRONG, wrong), (_HOLDING, holding)):
        if records:
            table = [*_fitting(markdown.table_lines(Table(columns, records, label="variant")), room), ""]
            room -= sum(len(line) + 1 for line in table)
            lines += table
    return "\n".join(lines)


def _record(finding: Finding, check: Check) -> Record:
    case, one = finding.case, finding.judgement
    if one is None:
        return (finding_text.title(case), "not judged", "", finding.text, "", "", "")
    figure = f"{one.metric}{' (warning)' if finding.level == 'warning' else ''}"
    because = ". ".join(part.rstrip(".") for part in (finding_text.attribution(one, case), one.message) if part)
    said = (
        finding_text.expected(one),
        finding_text.found(one),
        finding_text.excess(one),
        because,
        finding_text.accept(one, case, check),
    )
    return (finding_text.title(case), figure, *said)


def _fitting(lines: list[str], room: int) -> list[str]:
    """As many lines as there is room for, and how many are left out."""
    kept = 0
    for line in lines:
        room -= len(line) + 1
        if room < 100:  # what the last line needs
            break
        kept += 1
    left = len(lines) - kept
    return lines if not left else [*lines[:kept], "", f"… and {left} more"]

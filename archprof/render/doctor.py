"""A diagnosis as a report: what is installed, then what was found, and what to type where something is to be mended."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from archprof import units
from archprof.render.report import Report
from archprof.render.table import Column, table_of

if TYPE_CHECKING:
    from archprof.doctor import Diagnosis
    from archprof.render import View

COLUMNS = (
    Column("state", "state"),
    Column("check", "check"),
    Column("message", "message", attrgetter("message"), wraps=True),
    Column("command", "command", attrgetter("command"), visible=False),
)


def report(diagnosis: Diagnosis, view: View) -> Report:
    """What is installed, a line for each check, and the commands that mend what is broken."""
    findings = diagnosis.findings
    return Report(
        title=f"archprof {diagnosis.tool.version}",
        about=[f"Python {diagnosis.python}", diagnosis.platform],
        facts=[("packages", [f"{name} {version or units.ABSENT}" for name, version in diagnosis.packages.items()])],
        tables=[table_of(COLUMNS, findings, "check")],
        notes=[f"to fix {finding.check}:\n{finding.command}" for finding in findings if finding.command],
        record=diagnosis,
    )

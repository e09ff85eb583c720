"""Annotations of a GitHub workflow: the worst few, because GitHub shows about ten of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.render.check_formats import finding_text
from archprof.render.check_formats.findings import findings

if TYPE_CHECKING:
    from archprof.records.check_result import Check
    from archprof.render import View
    from archprof.render.check_formats.findings import Finding

SHOWN = 10
"""How many annotations of a step GitHub shows."""


def render(check: Check, view: View) -> str:
    """A workflow command for each finding, the last of ten saying how many more there are; then the counts."""
    found = findings(check)
    shown = found if len(found) <= SHOWN else found[: SHOWN - 1]
    lines = [_command(finding, check) for finding in shown]
    if more := len(found) - len(shown):
        lines.append(f"::{found[-1].level} title=archprof::{_data(f'and {more} more: the log has all of them')}")
    return "\n".join([*lines, finding_text.counts(check)]) + "\n"


def _command(finding: Finding, check: Check) -> str:
    line = "" if finding.line is None else f",line={finding.line}"
    place = f"file={_property(check.from_root(finding.file))}{line},title={_property(finding.title)}"
    return f"::{finding.level} {place}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

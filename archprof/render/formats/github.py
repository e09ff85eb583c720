"""Annotations of a GitHub workflow: the worst few, because GitHub shows about ten of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Finding, Report

ANNOTATIONS = 10
"""How many annotations of a step GitHub shows."""


def render(report: Report, page: Page) -> str:
    """A workflow command for each finding, the last of ten saying how many more there are; then how it ended."""
    findings = report.findings
    visible = findings if len(findings) <= ANNOTATIONS else findings[: ANNOTATIONS - 1]
    lines = [_command(finding) for finding in visible]
    if more := len(findings) - len(visible):
        lines.append(f"::{findings[-1].level} title=archprof::{_data(f'and {more} more: the log has all of them')}")
    return "\n".join([*lines, report.verdict]) + "\n"


def _command(finding: Finding) -> str:
    line = "" if finding.line is None else f",line={finding.line}"
    properties = f"file={_property(finding.path)}{line},title={_property(finding.title)}"
    return f"::{finding.level} {properties}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

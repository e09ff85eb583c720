"""GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Finding, Report


def render(report: Report, page: Page) -> str:
    """A list of the findings; GitLab wants a line of each, so what has none is put on the first."""
    issues = [_issue(finding) for finding in report.findings]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"


def _issue(finding: Finding) -> dict[str, object]:
    severity = "blocker" if finding.blocking else "major" if finding.level == "error" else "minor"
    return {
        "type": "issue",
        "check_name": f"archprof/{finding.rule}",
        "description": f"{finding.title}: {finding.text}",
        "fingerprint": finding.fingerprint,
        "severity": severity,
        "location": {"path": finding.path, "lines": {"begin": finding.line or 1}},
    }

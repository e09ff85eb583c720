"""GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.render.check_formats.findings import findings

if TYPE_CHECKING:
    from archprof.records.check_result import Check
    from archprof.render import View
    from archprof.render.check_formats.findings import Finding


def render(check: Check, view: View) -> str:
    """A list of the findings; GitLab wants a line of each, so what has none is put on the first."""
    return (
        msgspec.json.format(msgspec.json.encode([_issue(one, check) for one in findings(check)]), indent=2).decode()
        + "\n"
    )


def _issue(finding: Finding, check: Check) -> dict[str, object]:
    severity = "blocker" if finding.judgement is None else "major" if finding.level == "error" else "minor"
    return {
        "type": "issue",
        "check_name": f"archprof/{finding.rule}",
        "description": f"{finding.title}: {finding.text}",
        "fingerprint": finding.fingerprint,
        "severity": severity,
        "location": {"path": check.from_root(finding.file), "lines": {"begin": finding.line or 1}},
    }

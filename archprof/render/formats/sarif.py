"""SARIF 2.1.0 (OASIS standard), as GitHub's code scanning and editors read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.version import __version__

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Finding, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report, page: Page) -> str:
    """One run with the findings as results. What could not be evaluated is a result and a failed run."""
    rules = list(report.rules)
    driver = {
        "name": "archprof",
        "version": __version__,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in report.rules.items()],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": report.exit_code != 2, "exitCode": report.exit_code}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules) for finding in report.findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    region = {} if finding.line is None else {"region": {"startLine": finding.line}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.level,
        "message": {"text": f"{finding.title}: {finding.text}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}, **region}}],
        "partialFingerprints": {"archprof/v1": finding.fingerprint},
    }


def _uri(file: str) -> str:
    """A path as a URI reference: relative to where the check ran, unless it is absolute."""
    from urllib.parse import quote

    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())

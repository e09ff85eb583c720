"""SARIF 2.1.0 (OASIS standard), as GitHub's code scanning and editors read it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.version import __version__

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Finding, Report

_BASE = "SRCROOT"
"""What the repository's root is called, which all paths go from."""

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
        "originalUriBaseIds": {_BASE: {"uri": _uri(report.root + "/")}} if report.root else {},
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
        "locations": [{"physicalLocation": {"artifactLocation": _location(finding.path), **region}}],
        "partialFingerprints": {"archprof/v1": finding.fingerprint},
    }


def _location(path: str) -> dict[str, str]:
    """A path by the repository's root, or an absolute one by none."""
    return {"uri": _uri(path)} if PurePosixPath(path).is_absolute() else {"uri": _uri(path), "uriBaseId": _BASE}


def _uri(path: str) -> str:
    """A path as a URI, or as a reference that is relative to one; a folder's ends with a slash."""
    from urllib.parse import quote

    return f"file://{quote(path)}" if PurePosixPath(path).is_absolute() else quote(path)

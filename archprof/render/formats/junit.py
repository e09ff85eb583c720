"""JUnit's XML, which every continuous integration reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from archprof.render import Page
    from archprof.render.report import Outcome, Report, Suite

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold at all."""

_TAGS = {"failed": "failure", "error": "error", "skipped": "skipped"}

_COUNTS = {"failures": "failed", "errors": "error", "skipped": "skipped"}


def render(report: Report, page: Page) -> str:
    """The suites of the report with the number of tests in each state."""
    outcomes = [outcome for suite in report.suites for outcome in suite.tests]
    root = ET.Element("testsuites", {"name": "archprof", **_counts(outcomes)})
    root.extend(map(_suite, report.suites))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(suite: Suite) -> ET.Element:
    name = _legal(suite.name)
    element = ET.Element("testsuite", {"name": name, **_counts(list(suite.tests))})
    for outcome in suite.tests:
        test = ET.SubElement(element, "testcase", {"classname": name, "name": outcome.name})
        if tag := _TAGS.get(outcome.state):
            attributes = {"message": _legal(outcome.message), **({"type": outcome.rule} if outcome.rule else {})}
            ET.SubElement(test, tag, attributes).text = _legal(outcome.text) or None
        elif outcome.text:
            ET.SubElement(test, "system-out").text = _legal(outcome.text)
    return element


def _counts(outcomes: list[Outcome]) -> dict[str, str]:
    states: list[str] = [outcome.state for outcome in outcomes]
    return {"tests": str(len(states)), **{name: str(states.count(state)) for name, state in _COUNTS.items()}}


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)

"""JUnit's XML, which every continuous integration reads: a case is a suite, and each of its bounds a test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from archprof.render.check_formats import finding_text

if TYPE_CHECKING:
    from archprof.records.check_result import Check, Judged, Judgement
    from archprof.render import View

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold at all."""


def render(check: Check, view: View) -> str:
    """One suite a case. A warning passes, and what has nothing to compare with is skipped; both say why."""
    suites = [_suite(case, check) for case in check.cases]
    root = ET.Element("testsuites", {"name": check.tool.name, **_sums(suites)})
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(case: Judged, check: Check) -> ET.Element:
    tests = [_test(case, one, check) for one in case.judgements]
    if case.error is not None:
        test = ET.Element("testcase", _attributes(case, "judged"))
        _child(test, "error", finding_text.title(case), case.error, type="not-judged")
        tests.append(test)
    counts = {
        "tests": len(tests),
        "failures": sum(test.find("failure") is not None for test in tests),
        "errors": sum(test.find("error") is not None for test in tests),
        "skipped": sum(test.find("skipped") is not None for test in tests),
    }
    suite = ET.Element(
        "testsuite", {"name": _legal(finding_text.title(case)), **{k: str(v) for k, v in counts.items()}}
    )
    suite.extend(tests)
    return suite


def _test(case: Judged, one: Judgement, check: Check) -> ET.Element:
    test = ET.Element("testcase", _attributes(case, f"{one.metric}.{one.kind}"))
    if one.state == "failed":
        text = f"{finding_text.sentence(one, case)}\nif it is meant: {finding_text.accept(one, case, check)}"
        _child(test, "failure", f"{finding_text.found(one)}; {finding_text.expected(one)}", text, type=one.kind)
    elif one.state == "unjudged":
        _child(test, "skipped", one.note or "nothing to compare with")
    elif one.state == "unclear":
        _child(test, "skipped", f"cannot tell: {finding_text.found(one)}; {finding_text.expected(one)}")
    elif one.state == "warning":
        _child(test, "system-out", None, finding_text.sentence(one, case))
    return test


def _attributes(case: Judged, name: str) -> dict[str, str]:
    return {"classname": _legal(finding_text.title(case)), "name": name}


def _child(test: ET.Element, tag: str, message: str | None, text: str = "", **attributes: str) -> None:
    said = {} if message is None else {"message": _legal(message)}
    ET.SubElement(test, tag, {**said, **attributes}).text = _legal(text) or None


def _sums(suites: list[ET.Element]) -> dict[str, str]:
    names = ("tests", "failures", "errors", "skipped")
    return {name: str(sum(int(suite.attrib[name]) for suite in suites)) for name in names}


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)

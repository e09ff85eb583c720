"""Every format renders every kind of report, and CSV says what the record says."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.cells import cell_len

from archprof.claims.catalogue import catalogue
from archprof.claims.claims_file import Claim
from archprof.claims.replay import failed, judge
from archprof.compare.comparing import compare
from archprof.doctor import Diagnosis
from archprof.doctor import Finding as DoctorFinding
from archprof.errors import UsageError
from archprof.records.audit import AuditResult, Difference, Opinion, Row
from archprof.records.benchmark import Benchmark
from archprof.records.breakdown import Breakdown, Part
from archprof.records.calibration import Calibration, Device, Grid
from archprof.records.check_result import CaseResult, CheckResult, RuleResult
from archprof.records.dynamic_report import DynamicReport
from archprof.records.expert_curve import ExpertCurve
from archprof.records.latency import Latency
from archprof.records.parameternet import (
    Candidate,
    DynamicLayer,
    ExpertSweep,
    Figures,
    Gain,
    MeasuredTotals,
    ModelTotals,
    ParameterNet,
    Point,
    Ratio,
    WhatIf,
)
from archprof.records.published import Published
from archprof.records.what_if_report import WhatIfReport
from archprof.render import (
    Page,
    View,
    audit,
    benchmark,
    calibration,
    check,
    claims,
    comparison,
    doctor,
    expert_sweep,
    parameternet,
    whatif,
    zoo,
)
from archprof.render import profile as profile_report
from archprof.render.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.profile import Profile
    from archprof.render.report import Report

TEXTS = [name for name, value in FORMATS.items() if not value.binary]
"""The formats that are text."""


MEASURED = MeasuredTotals(
    parameters=100, macs=1000, elementwise_flops=50, weight_bytes=400, activation_bytes=80, bytes_read=600,
    bytes_written=80,
)  # fmt: skip

RATIO = Ratio(paper=4.0, paper_approximation=4.1, as_built=4.0, measured=4.0)

LAYER = DynamicLayer(
    module="model.1", type="DynamicConv", kind="convolution", in_channels=16, out_channels=32, kernel=[3, 3], groups=1,
    stride=[2, 2], output_size=[16, 16], batch=1, experts=4, parameters=Figures(static=10, as_built=40, measured=40),
    macs=Figures(static=900, as_built=1000, measured=1000), parameters_ratio=RATIO, flops_ratio=RATIO,
    mixing_bytes=100, moved_bytes=500, static_bytes=250,
)  # fmt: skip

ANALYSIS = ParameterNet(
    layers=[LAYER],
    model=ModelTotals(
        parameters=Figures(static=70, as_built=100, measured=100),
        macs=Figures(static=900, as_built=1000, measured=1000),
        parameters_ratio=RATIO,
        flops_ratio=RATIO,
        dynamic=MEASURED,
        static=None,
    ),
)

LATENCY = Latency(
    device="cpu", device_name="A processor", backend="eager", dtype="float32", batch=1, threads=2, scope="forward pass",
    samples_s=[0.010, 0.011, 0.012], median_s=0.011, ci95_s=(0.010, 0.012), p90_s=0.0118, p99_s=0.01198, mad_s=0.001,
)  # fmt: skip

BREAKDOWN = Breakdown(
    device="cpu", threads=2, passes=3, passes_used=2, whole_s=0.011,
    parts=[Part(name="model.0", seconds=0.008, macs=44_236_800, elementwise_flops=1, bytes=16_000_000)],
    operations=[Part(name="aten.convolution", seconds=0.008, macs=44_236_800, elementwise_flops=1, bytes=16_000_000)],
    between_s=0.003,
)  # fmt: skip

CLAIM = Claim(
    variant="tiny-variant",
    figures=(Published("parameters", "21,024"), Published("gflops", "0.3", "thop-2.0"), Published("modules", "34")),
    settings={"scale": "n", "fuse": False},
    source="https://example.org/a_paper",
    note="A note.",
    path=Path("paper.yaml"),
    line=4,
)

CALIBRATION = Calibration(
    device=Device(device="cpu", name="A processor", cpus=2, dtype="float32", torch="2.6.0"),
    threads=2, default_threads=2, measured_at="2026-01-02T03:04:05+00:00", duration_s=60, rounds=3,
    grids=[
        Grid(kind="matrix product", axes=["rows", "columns"], ticks=[[8, 16], [8]], rates=[1e9, 2e9], macs=True),
        Grid(kind="copy", axes=["elements"], ticks=[[8]], rates=[5e8]),
    ],
    memory=Grid(kind="memory", axes=["bytes"], ticks=[[1024, 4096]], rates=[2e10, 1e10]), fresh_memory=None,
    operation_s=1e-6, view_s=2e-7, module_s=3e-7, in_sequence=1.1, networks=[1.05],
)  # fmt: skip


def with_scale(profile: Profile, scale: str, **totals: int) -> Profile:
    return msgspec.structs.replace(
        profile,
        variant=msgspec.structs.replace(profile.variant, scale=scale),
        totals=msgspec.structs.replace(profile.totals, **totals),
    )


def audited(profile: Profile) -> AuditResult:
    differences = [
        Difference(kind="missed", operation="aten.bmm", why="not counted", macs=-20, calls=1, module="model.1", row=1),
        Difference(kind="added", operation="BatchNorm2d", why="adds", macs=5, module="model.0", row=0),
    ]
    return AuditResult(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        macs=200_000_000,
        seconds=0.5,
        rows=[Row(index=0, module="Conv", path="model.0"), Row(index=1, module="A_block", path="model.1")],
        opinions=[
            Opinion(
                counter="thop", version="2.2", unit="GFLOPs", value=0.39999997, macs=199_999_985, ratio=0.999999925,
                seconds=0.25, differences=differences,
            ),
            Opinion(counter="fvcore", version=None, unit="MACs", error="it is not installed"),
        ],
    )  # fmt: skip


def what_if() -> WhatIf:
    gain = Gain(predicted=30, measured=30)
    candidate = Candidate(
        module="model.0.conv", in_channels=3, out_channels=16, kernel=[3, 3], groups=1, stride=[1, 1],
        output_size=[8, 8], parameters=gain, macs=gain, bytes=Gain(predicted=60, measured=61),
    )  # fmt: skip
    return WhatIf(selection="all", experts=4, candidates=[candidate], before=MEASURED, after=MEASURED)


def checked() -> CheckResult:
    failed = RuleResult(
        metric="flops", kind="max", state="failed", actual=9, bound=8, excess=1, limit="8", key_path="budgets[0].flops"
    )
    cases = [
        CaseResult(variant="a.yaml", file="a.yaml", results=[failed]),
        CaseResult(variant="b_%.yaml", error="broken"),
    ]
    return CheckResult(config="archprof.toml", exit_code=2, cases=cases)


def diagnosed() -> Diagnosis:
    findings = [
        DoctorFinding(
            check="import thop", state="broken", message="nobody installed it", command="pip install ultralytics-thop"
        ),
        DoctorFinding(check="cache", state="ok", message="/a/folder can be written to"),
    ]
    return Diagnosis(python="3.11", platform="Linux", packages={"torch": "2.6", "calflops": None}, findings=findings)


VIEW = View()

BY_COLUMNS = View(columns=("model", "scale", "parameters", "flops", "latency"))

REPORTS: dict[str, Callable[[Profile], Report]] = {
    "rows": lambda profile: profile_report.report(profile, VIEW),
    "modules": lambda profile: profile_report.report(profile, View(detail="modules")),
    "operations": lambda profile: profile_report.report(profile, View(detail="ops")),
    "totals": lambda profile: profile_report.report(profile, View(detail="none")),
    "scales": lambda profile: profile_report.report_several([profile, with_scale(profile, "s")], VIEW),
    "columns": lambda profile: profile_report.report_several([profile, with_scale(profile, "s")], BY_COLUMNS),
    "pair": lambda profile: comparison.report(compare([profile, with_scale(profile, "s", macs=2, flops=4)]), VIEW),
    "several models": lambda profile: comparison.report(compare([profile] * 3), VIEW),
    "columns of models": lambda profile: comparison.report(compare([profile] * 2), BY_COLUMNS, [profile] * 2),
    "audit": lambda profile: audit.report(audited(profile), VIEW),
    "benchmark": lambda profile: benchmark.report(
        Benchmark(profiles=[msgspec.structs.replace(profile, latency=[LATENCY], breakdowns=[BREAKDOWN])]), VIEW
    ),
    "benchmark by columns": lambda profile: benchmark.report(
        Benchmark(profiles=[msgspec.structs.replace(profile, latency=[LATENCY])] * 2), BY_COLUMNS
    ),
    "check": lambda profile: check.report(checked(), VIEW),
    "claims": lambda profile: claims.report(
        [judge(CLAIM, profile), failed(CLAIM, UsageError("no model", hint="name one"))], VIEW
    ),
    "parameternet": lambda profile: parameternet.report(
        DynamicReport.of(msgspec.structs.replace(profile, parameternet=ANALYSIS)), VIEW
    ),
    "nothing dynamic": lambda profile: parameternet.report(DynamicReport.of(profile), VIEW),
    "experts": lambda profile: expert_sweep.report(
        ExpertCurve(
            variant=profile.variant,
            input=profile.input,
            environment=profile.environment,
            curve=ExpertSweep(points=[Point(experts=2, layers=1, measured=MEASURED)], static=MEASURED),
        ),
        VIEW,
    ),
    "what if": lambda profile: whatif.report(
        WhatIfReport(variant=profile.variant, input=profile.input, what_if=what_if()), VIEW
    ),
    "calibration": lambda profile: calibration.report(CALIBRATION, VIEW),
    "doctor": lambda profile: doctor.report(diagnosed(), VIEW),
    "zoo": lambda profile: zoo.report(catalogue(), VIEW),
}
"""A report of every kind."""


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest, profile: Profile) -> Report:
    return REPORTS[request.param](profile)


def records(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FORMATS["csv"].render(report, Page()))))


@pytest.mark.parametrize("name", TEXTS)
def test_every_format_renders_every_report(report: Report, name: str) -> None:
    text = FORMATS[name].render(report, Page(width=80))
    assert text.endswith("\n")
    if name == "html":  # what follows is the drawing library
        text, _, _ = text.partition('<script type="module">')
    assert "None" not in unescape(text).replace("'both', None", "")
    assert "\x1b" not in text
    assert "object at 0x" not in text


@pytest.mark.parametrize("width", [80, 160])
def test_text_fits_the_width(report: Report, width: int) -> None:
    assert max(map(cell_len, FORMATS["text"].render(report, Page(width=width)).splitlines())) <= width


def test_json_is_the_record(report: Report) -> None:
    assert json.loads(FORMATS["json"].render(report, Page())) == json.loads(msgspec.json.encode(report.record))


def test_colour_changes_nothing_but_colour(report: Report) -> None:
    plain, coloured = (FORMATS["text"].render(report, Page(color=color)) for color in (False, True))
    assert re.sub(r"\x1b\[[\d;]+m", "", coloured) == plain


def test_csv_has_a_name_a_column_and_no_row_that_is_no_data(report: Report) -> None:
    text = FORMATS["csv"].render(report, Page())
    head, *rows = csv.reader(io.StringIO(text))
    assert len(set(head)) == len(head)
    assert all(re.fullmatch(r"[a-z0-9_.-]+", name) for name in head), head
    assert {len(row) for row in rows} <= {len(head)}
    for row in rows:
        assert "total" not in row
        assert not [cell for cell in row if cell.startswith("…") or cell == "–"]


def test_every_table_of_markdown_is_even(report: Report) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", FORMATS["markdown"].render(report, Page()), re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_latex_is_balanced_and_escaped(report: Report) -> None:
    """What LaTeX itself would refuse: open groups, rows of another length, signs that mean something to it."""
    text = FORMATS["latex"].render(report, Page())
    source = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert source.count(r"\begin{") == source.count(r"\end{")
    bare = re.sub(r"\\[{}%&#_$\\]", "", source)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[%#~^]", bare)
    assert not re.search(r"(?<!\$)_", re.sub(r"\\[a-z]+\{[^}]*\}", "", bare))
    assert not re.search(r"[^\x00-\x7f\u00c0-\u024f]", re.sub(r"\\caption\{.*\}", "", source).replace("–", ""))
    for table in re.findall(r"\\begin\{tabular\}\{([lr]+)\}(.*?)\\end\{tabular\}", source, re.S):
        columns, body = table
        for line in body.splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
        assert body.index(r"\toprule") < body.index(r"\bottomrule")


def test_csv_of_rows_is_the_profile_s(profile: Profile) -> None:
    for row, layer in zip(records(REPORTS["rows"](profile)), profile.layers, strict=True):
        assert int(row["parameters"]) == layer.parameters
        assert int(row["macs"]) == layer.macs
        assert int(row["flops"]) == 2 * layer.macs
        assert (int(row["bytes_read"]), int(row["bytes_written"])) == (layer.bytes_read, layer.bytes_written)
        assert float(row["flops_per_byte"]) == (2 * layer.macs + layer.elementwise_flops) / (
            layer.bytes_read + layer.bytes_written
        )


def test_one_metric_has_one_name_everywhere(profile: Profile) -> None:
    names = ("totals", "scales", "columns", "pair", "several models", "columns of models", "benchmark by columns")
    tables = {name: records(REPORTS[name](profile)) for name in names}
    for name in ("totals", "scales", "columns", "several models", "columns of models", "benchmark by columns"):
        assert [(row["parameters"], row["flops"]) for row in tables[name]] == [("21024", "400000000")] * len(
            tables[name]
        )
    latency = records(REPORTS["benchmark"](profile))[0]
    selected = tables["benchmark by columns"][0]
    for name in ("latency_s", "latency_ci95_low_s", "latency_ci95_high_s"):
        assert latency[name] == selected[name] != ""
    assert tables["columns"][0]["latency_s"] == ""


def test_csv_of_other_records(profile: Profile) -> None:
    thop, added = records(REPORTS["audit"](profile))
    assert (thop["macs_difference"], thop["reason"], added["macs_difference"]) == ("-20", "not counted", "5")
    (layer,) = records(REPORTS["parameternet"](profile))
    assert (layer["bytes_moved"], layer["parameters_ratio"], layer["kernel"]) == ("500", "4.0", "3×3")
    (candidate,) = records(REPORTS["what if"](profile))
    assert (candidate["flops_difference"], candidate["bytes_moved_difference"]) == ("60", "61")
    product, copy = records(REPORTS["calibration"](profile))
    # Two FLOPs a MAC.
    assert (float(product["fastest_flops_per_s"]), float(copy["fastest_per_s"])) == (4e9, 5e8)
    assert (product["fastest_per_s"], copy["fastest_flops_per_s"]) == ("", "")
    broken, _ = records(REPORTS["doctor"](profile))
    assert broken["command"] == "pip install ultralytics-thop"
    good, failed = records(REPORTS["check"](profile))
    assert (good["actual"], good["excess"], failed["error"]) == ("9", "1", "broken")
    published = records(REPORTS["claims"](profile))
    # 0.3 GFLOPs in single ones; 34 modules were published, 33 are there.
    assert [row["published"] for row in published[:3]] == ["21024", "300000000", "34"]
    assert [row["reproduced"] for row in published[:3]] == ["21024", "300000000", "33"]
    assert [row["agrees"] for row in published] == ["yes", "yes", "no", "", "", ""]


def test_latex_can_be_pasted(profile: Profile) -> None:
    variant = msgspec.structs.replace(profile.variant, name="50 % of_a&b {x}")
    subject = msgspec.structs.replace(profile, variant=variant, latency=[LATENCY])
    text = FORMATS["latex"].render(profile_report.report(subject, BY_COLUMNS), Page())
    # 21,024 parameters, 0.4 GFLOPs, 11 ms between 10 and 12.
    assert text == (
        "% needs \\usepackage{booktabs}\n"
        "\n"
        "\\begin{table}\n"
        "  \\centering\n"
        "  \\caption{50 \\% of\\_a\\&b \\{x\\}, scale n, nc 6, kpt\\_shape [21, 3], "
        "1$\\times$3$\\times$640$\\times$640, float32, not fused}\n"
        "  \\begin{tabular}{llrrr}\n"
        "    \\toprule\n"
        "    Model & Scale & Params (M) & FLOPs (G) & Latency (ms) \\\\\n"
        "    \\midrule\n"
        "    50 \\% of\\_a\\&b \\{x\\} & n & 0.021 & 0.40 & 11.00 [10.00, 12.00] \\\\\n"
        "    \\bottomrule\n"
        "  \\end{tabular}\n"
        "\\end{table}\n"
    )


def test_a_wide_terminal_shows_what_most_of_a_difference_is(profile: Profile) -> None:
    text = {
        width: FORMATS["text"].text(audit.report(audited(profile), View(detail="none")), Page(width=width))
        for width in (80, 160)
    }
    assert "-20: aten.bmm, not counted" in text[160]
    assert "most of it" not in text[80]

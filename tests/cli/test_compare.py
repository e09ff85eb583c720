from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import jsonschema
import pytest

from archprof.records.comparison import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

# On 64×64 the MACs of tiny.yaml's rows are 442,368, 1,179,648 and 10,488,320 (2,560 of them of the Linear). Without row
# 0's stride each map is 4 times as large: 1,769,472 (+1,327,104), 4,718,592 (+3,538,944), 41,945,600 (+31,457,280).
# Together that is +36,323,328 MACs or +72,646,656 FLOPs, 34,996,224 / 36,323,328 = 96.3 % of them downstream.
WHY = """\
row 0 Conv changed from stride 2 to 1 (mine.yaml:6): 96 % of the +72.65 MFLOPs
  is downstream of it, 4 % its own

"""
HEAD = """\
tiny.yaml → mine.yaml   scale n · nc 2 · 1×3×64×64 · float32 · not fused

"""
TOTALS = """\
                              before         after              Δ   ratio
parameters                    51,218        51,218              0
trainable parameters          51,218        51,218              0
"""
FLOPS = "FLOPs                   24.22 MFLOPs  96.87 MFLOPs  +72.65 MFLOPs  ×3.999\n"
ROWS = """\
   module      change        output            Δ MFLOPs  FLOPs %
~  0 Conv      [16, 3, 2→1]  1×16×32→64×32→64     +2.65      3.7
x  1 Conv                    1×32×16→32×16→32     +7.08      9.7
x  2 Classify                1×2 and 1 more      +62.91     86.6
   total                                         +72.65      100
"""


@pytest.fixture
def edited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``mine.yaml``: row 0 of ``tiny.yaml`` without its stride."""
    monkeypatch.setenv("COLUMNS", "80")
    text = (folder / "tiny.yaml").read_text(encoding="utf-8")
    (folder / "mine.yaml").write_text(text.replace("[16, 3, 2]", "[16, 3, 1]"), encoding="utf-8")
    return folder


def test_a_row_that_lost_its_stride(archprof: Callable[[str], Result], edited: Path) -> None:
    result = archprof("compare tiny.yaml mine.yaml --imgsz 64 --scale n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(HEAD + WHY + TOTALS)
    assert FLOPS in result.stdout
    assert result.stdout.endswith(f"\n\n{ROWS}")


def test_markdown_says_why_first(archprof: Callable[[str], Result], edited: Path) -> None:
    text = archprof("compare tiny.yaml mine.yaml --imgsz 64 --format markdown").stdout
    assert text.startswith(
        "### tiny.yaml → mine.yaml\n"
        "\n"
        "scale n · nc 2 · 1×3×64×64 · float32 · not fused\n"
        "\n"
        "**row 0 Conv changed from stride 2 to 1 (mine.yaml:6): "
        "96 % of the +72.65 MFLOPs is downstream of it, 4 % its own**\n"
    )
    assert "| FLOPs | 24.22 MFLOPs | 96.87 MFLOPs | +72.65 MFLOPs | ×3.999 |" in text
    assert "<summary>3 rows</summary>" in text


def test_json_follows_its_schema(archprof: Callable[[str], Result], edited: Path) -> None:
    result = json.loads(archprof("compare tiny.yaml mine.yaml tiny.yaml --imgsz 64 --format json").stdout)
    jsonschema.validate(result, json_schema())
    schema = json.loads(archprof("schema comparison").stdout)
    jsonschema.validate(result, schema)
    first, second = result["pairs"]
    flops = {entry["metric"]: entry for entry in first["metrics"]}["flops"]
    assert (flops["before"], flops["after"], flops["difference"]) == (24_220_672, 96_867_328, 72_646_656)
    (why, *_) = first["explanations"]
    assert why["causes"] == [
        {
            "change": 0,
            "difference": None,
            "own": 2 * 1_327_104,
            "downstream": 2 * 34_996_224,
            "shared": 0,
            "light_head": [],
        }
    ]
    assert {change["mark"] for change in second["changes"]} == {"="}


def test_csv_has_rows_or_metrics(archprof: Callable[[str], Result], edited: Path) -> None:
    def lines(options: str) -> list[dict[str, str]]:
        text = archprof(f"compare tiny.yaml mine.yaml --imgsz 64 --format csv {options}").stdout
        return list(csv.DictReader(io.StringIO(text)))

    assert [(row["mark"], row["row"], row["line"], row["flops_difference"]) for row in lines("")] == [
        ("~", "0", "6", "2654208"),
        ("x", "1", "7", "7077888"),
        ("x", "2", "9", "62914560"),
    ]
    before, after = lines("--detail none")
    assert (before["model"], after["model"]) == ("tiny.yaml", "mine.yaml")
    assert (before["flops"], after["flops"], after["parameters_ratio"]) == ("24220672", "96867328", "1.0")
    assert float(after["flops_ratio"]) == 96_867_328 / 24_220_672


def test_a_model_and_itself(archprof: Callable[[str], Result], folder: Path) -> None:
    result = archprof("compare tiny.yaml tiny.yaml --imgsz 64 --scale n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\n\nno figure differs\n\n" in result.stdout
    text = archprof("compare tiny.yaml tiny.yaml --imgsz 64 --detail all").stdout
    assert "=  1 Conv " in text


DYNAMIC = "nc: 2\nbackbone:\n  - [-1, 1, DynamicConv, [16, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n"


def test_a_model_and_its_static_twin(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "yolov13-own.yaml").write_text(DYNAMIC, encoding="utf-8")
    line = "compare yolov13-own.yaml yolov13-own.yaml --static --imgsz 32 --format json"
    result = json.loads(archprof(line).stdout)

    assert [entry["name"] for entry in result["models"]] == ["yolov13-own.yaml", "yolov13-own.yaml, static equivalent"]
    parameters = next(entry for entry in result["pairs"][0]["metrics"] if entry["metric"] == "parameters")
    # Four kernels of 16 x 3 x 3 x 3 = 432 and a router of 3 x 4 + 4 = 16 become one kernel: 432 - 4 x 432 - 16.
    assert parameters["after"] - parameters["before"] == -1312


def test_the_static_twins_of_two_models(archprof: Callable[[str], Result], folder: Path) -> None:
    for name, wide in (("yolov13-a", 16), ("yolov13-b", 24)):
        text = DYNAMIC.replace("[16, 3, 2]", f"[{wide}, 3, 2]")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    result = json.loads(archprof("compare yolov13-a.yaml yolov13-b.yaml --static --imgsz 32 --format json").stdout)

    by_name = {entry["metric"]: entry for entry in result["pairs"][0]["metrics"]}
    assert [entry["variant"]["static"] for entry in result["models"]] == [True, True]
    # One kernel each, 3 x 3 x 3 = 27 of a filter, and two of BatchNorm; then 1280 filters over the channels.
    assert by_name["parameters"]["after"] - by_name["parameters"]["before"] == 8 * (27 + 2) + 8 * 1280


def test_scales_explain_themselves(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "yolo1.yaml").write_text((folder / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    result = archprof("compare yolo1n.yaml yolo1s.yaml --imgsz 64 --detail none")
    # At s there are 32 and 64 channels: MACs 884,736 + 4,718,592 + 64·1280·16² + 2,560 = 26,577,408, 14,467,072
    # more than 12,110,336. Parameters: 3·32·9 + 64 = 928; 32·64·9 + 128 = 18,560; 64·1280 + 2560 + 2562 = 87,042.
    text = " ".join(result.stdout.split())
    assert "scale" in text
    assert "+28.93 MFLOPs" in text
    assert "+55,312" in text


def test_several_with_their_pareto_front(archprof: Callable[[str], Result], edited: Path) -> None:
    result = archprof("compare tiny.yaml mine.yaml tiny.yaml --imgsz 64 --x flops --y parameters:max")
    lines = result.stdout.splitlines()
    assert [line[:11] for line in lines[1:] if ".yaml" in line] == ["* tiny.yaml", "  mine.yaml", "* tiny.yaml"]
    assert lines[-1] == "* on the Pareto front of FLOPs (less is better) and parameters (more is better)"
    table = list(csv.DictReader(io.StringIO(archprof("compare tiny.yaml mine.yaml tiny.yaml --format csv").stdout)))
    assert [entry["front"] for entry in table] == ["*", "", "*"]


def test_a_file_and_what_it_was(archprof: Callable[[str], Result], edited: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    (edited / "tiny.yaml").write_text((edited / "mine.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    result = archprof("compare HEAD:tiny.yaml tiny.yaml --imgsz 64")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("HEAD:tiny.yaml → tiny.yaml   scale n ")
    text = " ".join(result.stdout.split())
    assert "row 0 Conv changed from stride 2 to 1 (tiny.yaml:6" in text
    assert "96 % of the +72.65 MFLOPs is downstream of it, 4 % its own" in text
    assert ROWS in result.stdout


def test_saved_profiles_are_compared_without_torch(archprof: Callable[[str], Result], edited: Path) -> None:
    assert archprof("summary tiny.yaml --imgsz 64 -o old.json").exit_code == 0
    assert archprof("summary mine.yaml --imgsz 64 -o new.json").exit_code == 0
    code = (
        "import sys; from archprof.cli import app;"
        "app(['compare', 'old.json', 'new.json'], standalone_mode=False); print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "torchvision", "timm", "ultralytics"} & set(run.stderr.split()) == set()
    blend = archprof("compare old.json mine.yaml --imgsz 64")
    assert WHY in run.stdout
    assert WHY in blend.stdout


def test_other_inputs_are_said_loudly(archprof: Callable[[str], Result], folder: Path) -> None:
    archprof("summary tiny.yaml --imgsz 64 -o old.json")
    result = archprof("compare old.json tiny.yaml --imgsz 32")
    assert "  ! differs   input 1×3×64×64 → 1×3×32×32 · so the figures are not of the same thing\n" in result.stdout


def test_models_without_rows(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "net.py").write_text(
        "from torch import nn\n"
        "def small(): return nn.Sequential(nn.Conv2d(3, 4, 1))\n"
        "def large(): return nn.Sequential(nn.Conv2d(3, 8, 1))\n",
        encoding="utf-8",
    )
    result = archprof("compare net.py:small net.py:large --imgsz 8")
    # 4 more channels of 3 inputs on 8×8: 768 MACs, 1,536 FLOPs, and 4·3 + 4 = 16 parameters.
    assert "0 (Conv2d): 100 % of the +1.54 kFLOPs, and 100 % of the +16 parameters\n" in result.stdout
    blend = archprof("compare net.py:small tiny.yaml --imgsz 64")
    assert "one of them has rows and the other has none" in blend.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("compare tiny.yaml", "there is nothing to compare with\nname two models or more"),
        ("compare tiny.yaml tiny.yaml --scale all", "a comparison takes one scale"),
        ("compare tiny.yaml tiny.yaml --x flop", "no metric 'flop'\ndid you mean flops"),
        ("compare tiny.yaml tiny.yaml --x flops --y flops", "--x and --y are both flops"),
        ("compare tiny.yaml tiny.yaml --y latency", "none of these has latency"),
        ("compare tiny.yaml gone.json", "gone.json: cannot be read: No such file or directory"),
        ("compare tiny.yaml .json", ".json: cannot be read"),
        ("compare tiny.yaml all.json", "all.json: not a saved profile: "),
        ("compare tiny.yaml lock.json", "lock.json has no models"),
        ("compare tiny.yaml tiny.yaml --x fvcore", "none of these has fvcore\n--convention fvcore adds it"),
        ("compare tiny.yaml bad.json", "bad.json: neither a saved profile, a benchmark nor a lock file: "),
        ("compare tiny.yaml old.json", "old.json: profile version 0, this archprof reads 2: the file is older"),
        ("compare tiny.yaml tinny.yaml", "model 'tinny.yaml' not found\ndid you mean tiny.yaml?"),
    ],
)
def test_what_cannot_be_compared(archprof: Callable[[str], Result], folder: Path, line: str, message: str) -> None:
    (folder / "bad.json").write_text("{", encoding="utf-8")
    (folder / "lock.json").write_text('{"version": 2, "variants": {}}', encoding="utf-8")
    (folder / "all.json").write_text("[{}, {}]", encoding="utf-8")
    (folder / "old.json").write_text('{"version": 0}', encoding="utf-8")
    result = archprof(f"{line} --imgsz 64")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        ("flops>80M", 0, ""),
        ("flops>72M", 1, "error: mine.yaml: flops changed by +72.65 MFLOPs, ×3.999, which fails 'flops>72M'\n"),
        (
            "fvcore>0",
            2,
            "error: mine.yaml: 'fvcore>0' could not be evaluated: not both have fvcore; "
            "--convention fvcore adds it to what is not saved\n",
        ),
    ],
)
def test_a_change_may_fail(
    archprof: Callable[[str], Result], edited: Path, condition: str, code: int, message: str
) -> None:
    result = archprof(f"compare tiny.yaml mine.yaml --imgsz 64 --scale n --fail-on {condition}")
    assert (result.exit_code, result.stderr) == (code, message)
    assert WHY in result.stdout
    outcomes = archprof(
        f"compare tiny.yaml mine.yaml --imgsz 64 --fail-on {condition} --fail-on fvcore>0 --format json"
    )
    assert outcomes.exit_code == 2


@pytest.mark.parametrize("command", ["summary", "bench", "compare", "audit", "parameternet"])
def test_every_scale_is_offered_where_it_is_taken(
    archprof: Callable[[str], Result], folder: Path, command: str
) -> None:
    assert ("'all'" in archprof(f"{command} --help").stdout) == (command in ("summary", "bench"))


def test_a_scale_that_was_assumed_is_told_with_what_the_command_takes(
    archprof: Callable[[str], Result], folder: Path
) -> None:
    assert "n, s or all\n" in archprof("summary tiny.yaml --imgsz 64").stderr
    entry = archprof("parameternet tiny.yaml --imgsz 64").stderr
    assert "n, s\n" in entry


def test_what_is_gone_has_a_difference_and_no_ratio(archprof: Callable[[str], Result], folder: Path) -> None:
    nets = ("from torch import nn", "def free():", "    return nn.Conv2d(3, 4, 1)", "def frozen():")
    (folder / "nets.py").write_text("\n".join([*nets, "    return free().requires_grad_(False)", ""]), encoding="utf-8")
    result = archprof("compare nets.py:free nets.py:frozen --imgsz 8")
    # A weight of 4·3 and a bias of 4.
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("trainable parameters")]
    assert line.split() == ["trainable", "parameters", "16", "0", "-16"]
    assert "×0" not in result.stdout

from __future__ import annotations

import json
import re
import runpy
import sys
from typing import TYPE_CHECKING

import jsonschema
import pytest

from archprof.records.suggestion import json_schema
from archprof.records.variation import json_schema as variation_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def test_every_format(archprof: Callable[[str], Result]) -> None:
    command = "suggest tiny.yaml --imgsz 32 --max bytes=+50% --front bytes"
    result = archprof(f"{command} --format json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    jsonschema.Draft202012Validator(json_schema()).validate(record)
    assert record["predicted"] == record["counted"]
    assert record["placement"]

    text = archprof(command)
    assert "built and counted: the same" in text.stdout
    assert "proven: no placement of these convolutions and experts has more" in text.stdout
    assert len(archprof(f"{command} --format csv").stdout.splitlines()) == 1 + len(record["placement"])
    assert "| ranked by parameters per flops |" in archprof(f"{command} --format markdown").stdout


def test_what_is_written_is_what_was_counted(archprof: Callable[[str], Result], folder: Path) -> None:
    command = "suggest tiny.yaml --imgsz 32 --max bytes=+50% --write out -o answer.json"
    result = archprof(command)
    assert result.exit_code == 0, result.stderr
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))

    profile = json.loads(archprof("summary out/tiny-suggested.yaml --imgsz 32 --format json").stdout)
    assert profile["totals"]["parameters"] == answer["counted"]["parameters"]
    assert profile["totals"]["flops"] == answer["counted"]["flops"]
    experts = runpy.run_path(str(folder / "out" / "tiny_suggested.py"))["EXPERTS"]
    assert experts == {choice["module"]: choice["experts"] for choice in answer["placement"]}

    again = archprof(command.replace("answer", "other"))
    assert again.exit_code == 2
    assert "already exists" in again.stderr
    assert not (folder / "other.json").exists()
    assert archprof(f"{command} --force").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "no budget: without one, every convolution gets the most experts"),
        ("--max bytes", "--max 'bytes': expected METRIC=AMOUNT"),
        ("--max bytes=+5% --max bytes=1MB", "names bytes twice"),
        ("--max bytes=+5% --experts 2,zero", "invalid number of experts"),
        ("--max bytes=+5% --experts 2000", "a convolution takes 1 to 1024"),
        ("--max bytes=+5% --only model.77", "matches none of the"),
        ("--max weights=10B", "no placement meets the budgets: --max weights=10B: the nearest placement has"),
        ("--max bytes=+5% --scale all", "takes one scale"),
        ("--max bytes=+5% --goal accuracy", "no metric 'accuracy'"),
    ],
)
def test_bad_input(archprof: Callable[[str], Result], folder: Path, options: str, message: str) -> None:
    result = archprof(f"suggest tiny.yaml --imgsz 32 {options} --write out")

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.replace("\n", " ")
    assert not (folder / "out").exists()


def test_flops_alone_mislead(archprof: Callable[[str], Result]) -> None:
    result = archprof("suggest tiny.yaml --imgsz 32 --max flops=+50%")

    assert "FLOPs alone are limited: memory traffic grows by" in result.stdout.replace("\n  ", " ")


def test_other_widths(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "score.py").write_text("def small(profile):\n    return -profile.totals.parameters\n", encoding="utf-8")
    command = "suggest tiny.yaml --imgsz 32 --vary width=0.5,1,imgsz=32,64 --goal score.py:small --max flops=+1%"
    result = archprof(f"{command} --format json --write out")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["models"][0]["changes"]["width"] == 0.5
    assert (folder / "out" / "tiny-suggested.yaml").is_file()
    assert "proven: all 4 variants were counted" in archprof(command).stdout

    for wrong, message in {
        "score.py:large": "score.py has no function 'large'",
        "gone.py:small": "gone.py",
        "accuracy": "no metric 'accuracy'",
    }.items():
        result = archprof(f"suggest tiny.yaml --vary width=1 --goal {wrong} --write new")
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr
        assert not (folder / "new").exists()


@pytest.mark.parametrize("what", ["--max bytes=+50%", "--vary width=0.5,1 --experts 2 --max bytes=+10%"])
def test_the_answer_is_measured_against_the_model(archprof: Callable[[str], Result], what: str) -> None:
    command = f"suggest tiny.yaml --imgsz 32 {what} --latency --min-time 0 --max-time 0.5"
    result = archprof(f"{command} --format json")
    assert result.exit_code == 0, result.stderr
    measured = json.loads(result.stdout)["measured"]
    assert measured["base"]["samples_s"]
    assert measured["answer"]["samples_s"]
    assert (measured["comparison"]["base"], measured["comparison"]["model"]) == (0, 1)
    assert measured["comparison"]["result"]["verdict"] in ("faster", "slower", "cannot tell")

    text = archprof(command).stdout
    assert re.search(r"(faster than|slower than|no significant difference from)\s+the\s+unchanged\s+model", text)


def test_channels_of_each_row(archprof: Callable[[str], Result], folder: Path) -> None:
    command = "suggest tiny.yaml --imgsz 32 --vary channels=0.5,1,1.5 --max flops=-10% --multiple 8"
    result = archprof(f"{command} --format json --write out")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    jsonschema.Draft202012Validator(variation_schema()).validate(record)
    # Two rows have channels of their own, 16 and 32: 8, 16 or 24, and 16, 32 or 48.
    assert (record["size"], record["method"], record["proven"]) == (9, "all", True)
    best = record["models"][0]
    profile = json.loads(archprof("summary out/tiny-suggested.yaml --imgsz 32 --format json").stdout)
    assert profile["totals"]["parameters"] == best["totals"]["parameters"]
    assert profile["totals"]["flops"] == best["totals"]["flops"] <= record["base"]["flops"]

    text = " ".join(archprof(command).stdout.split())
    assert "FLOPs alone are limited: they change by" in text
    assert "after `archprof calibrate` it is predicted" in text
    assert "row channels before after" in text


def test_a_search_needs_optuna(archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    result = archprof("suggest tiny.yaml --imgsz 32 --vary width=0.01:5:0.01 --max flops=+0%")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Optuna, which searches among them, is not installed" in result.stderr.replace("\n", " ")
    assert "pip install 'archprof[search]'" in result.stderr


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('no')", "raised ValueError: no"),
        ("return 'much'", "gave 'much', which is not a number"),
        ("return float('nan')", "gave nan, which is not a number"),
        ("return True", "gave True, which is not a number"),
        ("return None", "gave None, which is not a number"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
    ],
)
def test_a_goal_that_is_no_number(archprof: Callable[[str], Result], folder: Path, body: str, message: str) -> None:
    (folder / "score.py").write_text(f"def score(profile):\n    {body}\n", encoding="utf-8")
    result = archprof("suggest tiny.yaml --imgsz 32 --vary width=1 --goal score.py:score --write out -o answer.json")

    assert (result.exit_code, result.stdout) == (2, "")
    assert f"--goal score.py:score {message}" in result.stderr.replace("\n", " ")
    assert ('score.py", line 2, in score' in result.stderr) is ("raise" in body)
    assert not (folder / "out").exists()
    assert not (folder / "answer.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--goal score.py:score --front bytes",
            "without a function as the goal",
        ),
        ("--vary width=1 --goal score.py:scor", "score.py has no function 'scor' did you mean score?"),
        ("--goal score.py:accuracy", "score.py has no function 'accuracy' it has score"),
        (
            "--goal score.py",
            "is neither a metric nor a function a function is --goal score.py:FUNCTION",
        ),
        ("--goal score.py:", "a function is --goal score.py:FUNCTION"),
        ("--goal :score", "a function is --goal FILE.py:FUNCTION"),
        ("--max bytes=+5% --multiple 4", "--multiple is for the channels of --vary"),
        ("--vary width=1 --nc", "--nc"),
        ("--vary width=1 --front bytes", "--front is for the placement of experts without --vary"),
        ("--vary width=1 --next 5", "--next is for the placement of experts without --vary"),
        ("--vary width=1 --multiple 4", "--multiple is for the channels of rows"),
        ("--vary width=1 --only model.0", "--only is for the channels of rows"),
        ("--vary width=1 --never head", "--never is for the channels of rows"),
        ("--vary channels=0.5 --only model.7", "matches none of the 2 rows with channels"),
        ("--vary channels=wide", "'wide' is not a number"),
        ("--vary channels=0.5 --multiple 0", "--multiple"),
        ("--vary channels=0.5 --max weights=10B", "variant meets the budgets: the nearest"),
        ("--max latency=+3%", "latency cannot be predicted: this computer was not calibrated"),
        ("--vary width=1 --max latency=5ms", "latency cannot be predicted: this computer was not calibrated"),
        ("--vary width=1 --experts 4000 --max bytes=+5%", "a convolution takes 1 to 1024"),
        ("--vary width=0.5,1 --experts 2 --max bytes=+5% --only model.77", "--only 'model.77' matches none of the"),
        ("--vary width=0.5,1 --experts 2,x", "invalid number of experts"),
        ("--max flops=+0.0001% --max bytes=+0.001% --min parameters=+10%", "no placement meets"),
        ("--max bytes=+5% --margin 0 --latency", "--margin"),
    ],
)
def test_more_bad_input(archprof: Callable[[str], Result], folder: Path, options: str, message: str) -> None:
    (folder / "score.py").write_text("def score(profile):\n    return 1\n", encoding="utf-8")
    result = archprof(f"suggest tiny.yaml --imgsz 32 {options} --write out")

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.replace("\n", " ")
    assert not (folder / "out").exists()

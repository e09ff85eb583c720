"""``archprof sweep``: what is typed, what is printed, what is written."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from archprof.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def sweep(folder: Path) -> Callable[..., Result]:
    """Run the command with these words."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["sweep", *words], prog_name="archprof")

    return run


VARY = ("tiny.yaml", "--vary", "width=1,2", "--vary", "imgsz=32:64:32")


def test_a_table_of_every_combination(sweep: Callable[..., Result]) -> None:
    result = sweep(*VARY, "--columns", "params,flops", "--x", "flops", "--y", "parameters:max")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines() if line[:5].strip().isdecimal()]
    assert [line[:2] for line in lines] == [["1", "32"], ["1", "64"], ["2", "32"], ["2", "64"]]
    # At 32×32 both have the fewest FLOPs for their parameters; at 64×64 the same network costs four times as much.
    assert [line[-1] == "*" for line in lines] == [True, False, True, False]


def test_a_sweep_of_which_nothing_can_be_counted_ends_with_2(sweep: Callable[..., Result]) -> None:
    result = sweep("tiny.yaml", "--vary", "row 0 args[0]=-8,-16", "--imgsz", "32")
    assert result.exit_code == 2
    assert "2 failed" in result.stdout
    assert "error: none of 2 variants could be counted; the first: tiny.yaml:" in result.stderr
    assert sweep("tiny.yaml", "--vary", "row 0 args[0]=8,-8", "--imgsz", "32").exit_code == 0


def test_the_same_command_goes_on_and_show_exports(sweep: Callable[..., Result], folder: Path) -> None:
    assert sweep(*VARY, "--store", "sweep.db").exit_code == 0
    again = sweep(*VARY, "--store", "sweep.db")
    assert "4 variants were in sweep.db already" in again.stderr
    shown = sweep("show", "sweep.db", "--where", "imgsz == 64", "--sort", "parameters", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    assert [(row["width"], row["imgsz"]) for row in rows] == [("1", "64"), ("2", "64")]
    exported = sweep("show", "sweep.db", "-o", "all.parquet", "-o", "all.json", "-o", "all.tex")
    assert exported.exit_code == 0, exported.stderr
    saved = json.loads((folder / "all.json").read_text(encoding="utf-8"))
    table = pyarrow.parquet.read_table(folder / "all.parquet").to_pydict()
    assert table["flops"] == [row["figures"]["flops"] for row in saved["rows"]]
    assert table["width"] == [1, 1, 2, 2]
    assert r"\toprule" in (folder / "all.tex").read_text(encoding="utf-8")


def test_where_nothing_meets_a_condition_no_metric_is_said_to_be_missing(
    sweep: Callable[..., Result], folder: Path
) -> None:
    assert sweep(*VARY, "--store", "sweep.db").exit_code == 0
    result = sweep("show", "sweep.db", "--where", "flops < 1")
    assert result.exit_code == 0, result.stderr
    assert "0 counted · 4 left out: flops < 1" in result.stdout
    assert "none of these models has" not in result.stdout


def test_a_page_of_a_store_is_called_after_it(sweep: Callable[..., Result], folder: Path) -> None:
    assert sweep(*VARY, "--store", "sweep.db").exit_code == 0
    result = CliRunner().invoke(app, ["report", "sweep.db"], prog_name="archprof")
    assert result.exit_code == 0, result.stderr
    assert (folder / "sweep.html").is_file()


def test_variants_are_measured_against_the_model_itself(sweep: Callable[..., Result], folder: Path) -> None:
    words = (*VARY, "--where", "imgsz == 64", "--store", "sweep.db", "--latency", "measured", "--max-time", "0.2")
    result = sweep(*words, "--format", "json")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert [row["point"]["width"] for row in rows] == [1, 2]
    assert all(row["latency"]["median_s"] > 0 and row["ratio"]["ratio"] > 0 for row in rows)
    # What was measured is kept, and not measured again.
    again = json.loads(sweep(*words, "--format", "json").stdout)["rows"]
    assert [row["latency"]["samples_s"] for row in again] == [row["latency"]["samples_s"] for row in rows]


def test_of_a_store_with_two_sweeps_a_file_is_of_one(sweep: Callable[..., Result], folder: Path) -> None:
    for vary in ("width=1,2", "nc=2,3,4"):
        assert (
            sweep("tiny.yaml", "--vary", vary, "--imgsz", "32" if "nc" in vary else "64", "--store", "two.db").exit_code
            == 0
        )
    both = sweep("show", "two.db")
    assert [both.stdout.count(text) for text in ("2 counted", "3 counted")] == [1, 1]
    refused = sweep("show", "two.db", "-o", "two.csv")
    assert refused.exit_code == 2
    assert "two.db has 2 sweeps, and a file is of one\n--number N takes one:\n1: tiny.yaml: " in refused.stderr
    assert not (folder / "two.csv").exists()
    found = {}
    for number in (1, 2):
        result = sweep("show", "two.db", "--number", str(number), "--format", "json")
        record = json.loads(result.stdout)
        found[tuple(record["axes"])] = len(record["rows"])
    assert found == {("width",): 2, ("nc",): 3}
    # A condition on an axis that one of them has not is met by none of its variants.
    conditioned = sweep("show", "two.db", "--where", "nc != 3")
    assert "0 counted · 2 left out: nc != 3" in conditioned.stdout
    assert "2 counted · 1 left out: nc != 3" in conditioned.stdout
    # What one of them cannot be sorted by is told before any is shown.
    for words in (("--sort", "nc"), ("--number", "3"), ("--where", "batch > 1")):
        result = sweep("show", "two.db", *words)
        assert (result.exit_code, result.stdout) == (2, "")


def test_what_was_measured_with_other_threads_is_measured_anew(sweep: Callable[..., Result], folder: Path) -> None:
    words = ("tiny.yaml", "--vary", "width=1,2", "--imgsz", "32", "--store", "sweep.db", "--latency", "measured")
    for threads in ("1", "2"):
        result = sweep(*words, "--max-time", "0.2", "--threads", threads, "--format", "json")
        assert result.exit_code == 0, result.stderr
        assert {row["latency"]["threads"] for row in json.loads(result.stdout)["rows"]} == {int(threads)}


def test_a_plan_and_the_command_line_add_up(sweep: Callable[..., Result], folder: Path) -> None:
    (folder / "plan.toml").write_text('reference = "tiny.yaml"\n[vary]\nnc = [2, 3]\n', encoding="utf-8")
    result = sweep("--plan", "plan.toml", "--vary", "imgsz=32,64", "--where", "imgsz > 32", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["nc"], row["imgsz"]) for row in rows] == [("2", "64"), ("3", "64")]


def test_a_mistake_in_a_plan_is_told_with_its_line_unless_the_command_line_goes_before(
    sweep: Callable[..., Result], folder: Path
) -> None:
    plan = 'reference = "none.yaml"\nwhere = "nc > 2"\n[vary]\nimgsz = [32, 64]\nnc = [2, -3]\n'
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    assert "error: plan.toml:1: model 'none.yaml' not found" in sweep("--plan", "plan.toml").stderr
    assert "error: plan.toml:5: nc must be" in sweep("tiny.yaml", "--plan", "plan.toml").stderr
    assert "error: nc must be" in sweep("tiny.yaml", "--plan", "plan.toml", "--vary", "nc=2,-4").stderr
    assert sweep("tiny.yaml", "--plan", "plan.toml", "--vary", "nc=2,3").exit_code == 0


def test_a_table_without_a_variant(sweep: Callable[..., Result], folder: Path) -> None:
    result = sweep(*VARY, "--where", "flops < 1")
    assert result.exit_code == 0, result.stderr
    assert "0 counted · 4 left out: flops < 1" in result.stdout
    # Now that rows are known, none is counted, and nothing is kept.
    again = sweep(*VARY, "--where", "flops < 1", "--store", "sweep.db")
    assert again.exit_code == 0, again.stderr
    assert again.stdout == result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tiny.yaml",), "nothing is varied"),
        (("--vary", "nc=1,2"), "no model is named"),
        (("none.yaml", "--vary", "nc=1,2"), "none.yaml"),
        (("tiny.yaml", "--vary", "nc=1,2", "--vary", "nc=3,4"), "nc is varied twice"),
        (("tiny.yaml", "--vary", "nc=1,2", "--where", "flop < 8"), "did you mean flops"),
        (("tiny.yaml", "--vary", "nc=1,2", "--where", "nc > 5"), "no variant is left to count"),
        (("tiny.yaml", "--vary", "nc=1,2", "--where", "nc < two"), "'two' is not a number"),
        (("tiny.yaml", "--vary", "nc=1,2", "--where", "fvcore < 5 G"), "--convention fvcore adds it"),
        (("tiny.yaml", "--vary", "nc=1,2", "--where", "backward_flops < 5 G"), "a sweep counts inference"),
        (("tiny.yaml", "--vary", "nc=1,2", "--sort", "size"), "no column 'size' to sort by"),
        (("tiny.yaml", "--vary", "nc=1,2", "--x", "fvcore"), "--convention fvcore adds it"),
        (("tiny.yaml", "--vary", "nc=1,2", "--engine", "dask"), "unknown engine 'dask'"),
        (("tiny.yaml", "--vary", "nc=1,2", "--latency", "guessed"), "'guessed' is not one of"),
        (("tiny.yaml", "--vary", "nc=1,2", "--format", "parquet"), "parquet is bytes"),
        (("tiny.yaml", "--vary", "nc=1,2", "--store", "none/sweep.db"), "its folder does not exist"),
        (("tiny.yaml", "--vary", "nc=1,2", "--store", "tiny.yaml"), "tiny.yaml: is no SQLite file"),
        (("show", "none.db"), "none.db: no such file"),
        (("tiny.yaml", "--vary", "nc=1,2", "--sample", "0"), "archprof sweep run --help lists what it takes"),
        (("show",), "missing argument"),
    ],
)
def test_what_makes_no_sense_is_one_message(
    sweep: Callable[..., Result], folder: Path, words: tuple[str, ...], message: str
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = sweep(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("error:") == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

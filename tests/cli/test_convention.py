"""``archprof summary --convention``."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from archprof.records.conventions import CONVENTIONS
from archprof.records.metrics import find_metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    Summary = Callable[..., str]


@pytest.fixture
def summary(archprof: Callable[[str], Result]) -> Summary:
    def run(*arguments: str) -> str:
        result = archprof(" ".join(("summary", "tiny.yaml", "--imgsz", "64", *arguments)))
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_choices_are_the_conventions(archprof: Callable[[str], Result]) -> None:
    text = "".join(archprof("summary --help").stdout.split())
    assert f"--convention[{'|'.join(CONVENTIONS)}]" in text


@pytest.mark.parametrize("convention", ["macs", "thop-2.0", "torchvision"])
@pytest.mark.parametrize("detail", ["rows", "modules", "ops"])
def test_the_head_of_the_table_says_which(summary: Summary, convention: str, detail: str) -> None:
    text = summary("--convention", convention, "--detail", detail)
    unit = CONVENTIONS[convention].unit.replace("G", "M", 1)
    assert f"{unit} ({convention})" in text
    assert f"convention  {convention}: " in text


def test_the_default_says_nothing_of_conventions(summary: Summary) -> None:
    text = summary()
    assert "MFLOPs" in text
    assert "convention" not in text


def test_json_totals_stay_exact(summary: Summary) -> None:
    exact = json.loads(summary("--format", "json"))
    another_model = json.loads(summary("--format", "json", "--convention", "fvcore"))
    for part in ("totals", "coverage", "layers", "modules", "operations"):
        assert another_model[part] == exact[part]
    assert (exact["conventions"], another_model["conventions"]) == ([], ["fvcore"])
    assert set(another_model["reported"]) == {"thop-2.0", "ultralytics", "fvcore"}


@pytest.mark.parametrize("detail", ["rows", "modules", "ops"])
@pytest.mark.parametrize("convention", ["fvcore", "thop-2.0"])
def test_the_rows_add_up_to_the_figure(summary: Summary, detail: str, convention: str) -> None:
    # Sorted, modules are without their children's figures.
    arguments = ("--convention", convention, "--detail", detail, "--sort", "convention")
    rows = list(csv.DictReader(io.StringIO(summary(*arguments, "--format", "csv"))))
    figures = [int(row[find_metric(convention).column]) for row in rows]
    assert figures == sorted(figures, reverse=True)
    reported = json.loads(summary(*arguments, "--format", "json"))["reported"][convention]
    assert sum(figures) == round(reported["gflops"] * 1e9)


def test_the_most_expensive_are_the_conventions(summary: Summary) -> None:
    text = summary("--convention", "fvcore", "--detail", "ops", "--top", "1")
    assert "aten._convolution" in text


def test_several_scales_have_a_column_for_it(summary: Summary) -> None:
    header = next(line for line in summary("--scale", "all", "--convention", "macs").splitlines() if "params" in line)
    assert header.split() == [
        "scale",
        "params",
        "trainable",
        "layers",
        "modules",
        "MACs",
        "FLOPs",
        "elementwise",
        *("thop-2.0", "(G)"),
    ]
    # What is reported unasked stands there where there is room for it, or where it was asked for.
    lines = summary("--scale", "all", "--convention", "ultralytics").splitlines()
    assert "ultralytics (G)" in next(line for line in lines if "params" in line)

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from archprof.sources import families
from archprof.sources.origins.stock import stock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

VARIANTS = {name: path for _, name, path in families.variants()}


def test_the_listing_fits_a_terminal(archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = archprof("zoo")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    for family in families.families():
        assert f"\n{family}" in f"\n{result.stdout}"
    for name in VARIANTS:
        assert f"\n{name} " in result.stdout
    assert "4,621,033 parameters, 6.2 GFLOPs" in result.stdout
    assert "https://arxiv.org/abs/2306.14525" in result.stdout


def test_the_listing_as_json_holds_every_claim_as_printed(archprof: Callable[[str], Result]) -> None:
    entries = json.loads(archprof("zoo --format json").stdout)
    assert [entry["variant"] for entry in entries] == list(VARIANTS)
    entry = next(entry for entry in entries if entry["variant"] == "yolov13-DynamicConv")
    assert (entry["family"], entry["task"], entry["scales"]) == ("yolov13", "detect", ["n", "s", "l", "x"])
    (claim,) = entry["claims"]
    assert claim["settings"]["nc"] == 6
    assert {"figure": "gflops", "convention": "thop-2.0", "printed": "6.2"} in claim["figures"]


def test_the_listing_as_csv_and_markdown(archprof: Callable[[str], Result]) -> None:
    head, *rows = csv.reader(io.StringIO(archprof("zoo --format csv").stdout))
    assert head == ["family", "variant", "scales", "task", "published", "source"]
    assert [row[1] for row in rows] == list(VARIANTS)
    lines = archprof("zoo --format markdown").stdout.splitlines()
    assert [line for line in lines if line.startswith("#### ")] == [f"#### {name}" for name in families.families()]
    names = [line.split(" | ")[0].removeprefix("| ").replace("\\_", "_") for line in lines if line.startswith("| ")]
    assert [name for name in names if name not in ("variant", "---")] == list(VARIANTS)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("llama-1b", VARIANTS["llama-1b"]),
        ("yolov13l-pose.yaml", VARIANTS["yolov13-pose"]),
        ("yolo11", stock()["yolo11"]),
    ],
)
def test_a_variant_is_shown_as_it_is(archprof: Callable[[str], Result], name: str, path: Path) -> None:
    result = archprof(f"zoo show {name}")
    assert result.exit_code == 0
    assert result.stdout == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("llama-1c", "error: model 'llama-1c' not found\ndid you mean llama-1b"),
        ("timm:resnet18", "error: timm:resnet18 is not a YAML"),
    ],
)
def test_what_cannot_be_shown(archprof: Callable[[str], Result], name: str, message: str) -> None:
    result = archprof(f"zoo show {name}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


def test_help_names_both(archprof: Callable[[str], Result]) -> None:
    result = archprof("zoo --help")
    assert "List the zoo's variants" in result.stdout
    assert "Print a variant's YAML" in result.stdout

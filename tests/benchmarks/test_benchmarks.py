"""The benchmarks run, and write nothing where they are started unless they are told to."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# The least that each can be asked for: what it prints then is no result.
LEAST = {
    "artefacts": "--light --rounds 1",
    "composed": "--rounds 1",
    "conventions": "--variants 2 --pairs 1",
    "counting": "yolov8n --rounds 1",
    "pages": "--model yolo11n.yaml --variants 10 --runs 1",
    "latency_verdicts": "--self 1 --slow 0 --median 0 --seconds 1 --load 0",
    "prediction": "timm:mobilenetv2_100 --calibrate 1 --seconds 0.01",
    "startup": "--quick --runs 1",
    "suggest": "yolov8n --budgets 1 --factor 0.1",
    "static_twins": "yolov10n-DynamicConv-1 --calibrate 1 --seconds 1",
}


def run(checkout: Path, name: str, arguments: str, folder: Path) -> str:
    command = [sys.executable, str(checkout / "benchmarks" / f"{name}.py"), *arguments.split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_benchmark_is_here(checkout: Path) -> None:
    assert set(LEAST) == {path.stem for path in (checkout / "benchmarks").glob("*.py")}


@pytest.mark.full
@pytest.mark.parametrize("name", LEAST)
def test_a_benchmark_writes_nothing_unless_told(name: str, checkout: Path, tmp_path: Path) -> None:
    files = {path for path in checkout.glob("benchmarks/*") if path.name != "__pycache__"}

    assert run(checkout, name, LEAST[name], tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert {path for path in checkout.glob("benchmarks/*") if path.name != "__pycache__"} == files


def test_figures_are_written_where_told_and_a_later_run_goes_on_with_them(checkout: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    first = run(checkout, "prediction", f"{LEAST['prediction']} --output {file}", tmp_path)
    second = run(checkout, "prediction", f"{LEAST['prediction']} --output {file}", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
    assert first.splitlines()[-5:] == second.splitlines()  # the same figures again, and nothing measured for them

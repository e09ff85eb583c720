"""Latency budgets from the command line, measured for real; bounds are so wide that no machine's mood matters."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

BUDGETS = """\
[[budgets]]
variants = "tiny.yaml"
imgsz = 64
parameters = { max = "1 M" }
latency = { max = "1000 s", max_increase = "10000 %", floor = "100 s" }
"""


@pytest.fixture
def budgets(folder: Path) -> Callable[[str], None]:
    """Write ``archprof.toml``."""

    def write(text: str) -> None:
        (folder / "archprof.toml").write_text(text, encoding="utf-8")

    return write


def test_latencies_are_measured_only_when_asked_for(
    archprof: Callable[[str], Result], budgets: Callable[[str], None]
) -> None:
    budgets(BUDGETS.replace("1000 s", "1 µs"))
    result = archprof("check")
    assert result.exit_code == 0
    assert "note: latencies were left out; --latency measures them\n" in result.stderr


def test_a_latency_is_held_locked_and_compared(
    folder: Path, archprof: Callable[[str], Result], budgets: Callable[[str], None]
) -> None:
    budgets(BUDGETS)
    locked = archprof("check --latency --max-time 0.2 --threads 1 --update-lock")
    assert locked.exit_code == 0, locked.output
    text = (folder / "archprof.lock.json").read_text(encoding="utf-8")
    (time,) = json.loads(text)["variants"]["tiny.yaml"]["imgsz=64 scale=n"]["latency"].values()
    assert 0 < time["low_ns"] <= time["median_ns"] <= time["high_ns"]
    assert (time["threads"], time["batch"], time["dtype"]) == (1, 1, "float32")

    second = archprof("check --latency --max-time 0.2 --threads 1 --format json")
    states = {
        (entry["metric"], entry["kind"]): entry["state"] for entry in json.loads(second.stdout)["cases"][0]["results"]
    }
    assert states == {
        ("parameters", "max"): "ok",
        ("latency", "max"): "ok",
        ("latency", "max_increase"): "no_baseline",
    }
    assert "measured separately from its baseline; `archprof check --latency --against REVISION`" in second.stdout
    another_model = archprof("check --latency --max-time 0.2 --threads 2")
    assert another_model.exit_code == 0
    assert "not comparable: threads was 1, and is 2" in another_model.stdout
    # Without measuring anew, what is locked stays.
    assert archprof("check --update-lock").exit_code == 0
    assert (folder / "archprof.lock.json").read_text(encoding="utf-8") == text


def test_what_is_too_slow_fails_and_exact_bounds_are_held_beside_it(
    archprof: Callable[[str], Result], budgets: Callable[[str], None]
) -> None:
    budgets(BUDGETS.replace("1000 s", "1 µs").replace("1 M", "1 K"))
    result = archprof("check --latency --max-time 0.2 --confirm")
    assert result.exit_code == 1
    assert "  expected    at most 1 µs\n" in result.stdout
    assert "  expected    at most 1 K\n" in result.stdout


def test_a_git_revision_runs_in_the_same_experiment(
    folder: Path, archprof: Callable[[str], Result], budgets: Callable[[str], None]
) -> None:
    budgets(BUDGETS)
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for line in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *identity, *line], check=True, capture_output=True)
    result = archprof("check --latency --max-time 1 --against main --format json")
    assert result.exit_code == 0, result.output
    growth = json.loads(result.stdout)["cases"][0]["results"][-1]
    # In so short a time on a busy machine there may be too few pairs to tell.
    assert (growth["kind"], growth["state"] in ("ok", "inconclusive")) == ("max_increase", True)
    assert growth["baseline"] > 0


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('latency = { max_increase = "5 %" }', "max_increase of a latency needs a floor"),
        ('latency = { max_increase = "5 %", floor = "1 %" }', "max_increase of a latency needs a floor"),
        ('latency = { max = "5" }', "expected an amount such as 5 ms, with its unit"),
        ('"latency/cpu/abacus" = { max = "5 ms" }', "unknown backend 'abacus'"),
        ('"latency/meta/eager" = { max = "5 ms" }', "unknown device 'meta'"),
    ],
)
def test_mistakes_are_two(
    archprof: Callable[[str], Result], budgets: Callable[[str], None], rule: str, message: str
) -> None:
    budgets(f'[[budgets]]\nvariants = "tiny.yaml"\nimgsz = 64\n{rule}\n')
    result = archprof("check --latency --max-time 0.2")
    assert result.exit_code == 2
    assert message in result.output

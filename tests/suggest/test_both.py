"""Experts in the variants of a model: the best of all widths and placements."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline import ExecutionConfig
from archprof.pipeline.counting import finish, profile_spec
from archprof.sources.reference import resolve
from archprof.sources.yaml_file import load
from archprof.suggest.additive import LIMITED, parse_budgets, totals
from archprof.suggest.deltas import count_with
from archprof.suggest.vary import VariationQuestion, vary

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.variation import Variation

SMALL = Options(size=(64, 64))

ROWS = """\
nc: 2
scales: {n: [1.0, 1.0, 1024]}
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def variant(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(ROWS, encoding="utf-8")
    return str(path)


def answer(path: str, text: str, *maxima: str, minima: tuple[str, ...] = (), **more: Any) -> Variation:
    budgets = parse_budgets(maxima, minima, LIMITED)
    question = VariationQuestion(axes=text, budgets=budgets, **{"goal": "parameters", "experts": (2, 4), **more})
    return vary(resolve(path), SMALL, question, ExecutionConfig())


def test_the_best_of_all_widths_and_placements(variant: str, tmp_path: Path) -> None:
    """Each placement of each width is built and counted."""
    result = answer(variant, "width=0.5,1", "bytes=+3%", "flops=+1%")

    base = totals(finish(count_with(resolve(variant), SMALL, {}), level="budgets"))
    paths = ("model.0.conv", "model.1.conv", "model.2.conv.conv")
    best = 0
    for width, numbers in product((0.5, 1.0), product((0, 2, 4), repeat=3)):
        experts = {path: number for path, number in zip(paths, numbers, strict=True) if number}
        counted = totals(finish(count_with(resolve(variant).edited("width", width), SMALL, experts), level="budgets"))
        if counted["bytes"] * 100 <= base["bytes"] * 103 and counted["flops"] * 100 <= base["flops"] * 101:
            best = max(best, counted["parameters"])
    assert result.proven
    assert result.best.experts
    assert result.best.totals["parameters"] == result.best.goal == best
    # What is written is that.
    path = tmp_path / f"{result.stem}.yaml"
    path.write_text(result.yaml or "", encoding="utf-8")
    assert profile_spec(load(path), SMALL).totals.parameters == best


def test_what_is_written_trains(variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ultralytics reads the variant's file, and the Python file makes its convolutions dynamic."""
    result = answer(variant, "width=0.5,1", "bytes=+3%")
    assert result.python is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{result.stem}.yaml").write_text(result.yaml or "", encoding="utf-8")
    path = tmp_path / "experts.py"
    path.write_text(result.python, encoding="utf-8")
    specification = importlib.util.spec_from_file_location("experts", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)

    model = module.build()

    assert sum(parameter.numel() for parameter in model.parameters()) == result.best.totals["parameters"]
    assert result.best.experts == module.EXPERTS


def test_a_lower_limit_that_only_experts_meet(variant: str) -> None:
    result = answer(variant, "width=0.5,1", minima=("parameters=+50%",), goal="bytes")

    assert result.maximise is False
    assert result.best.totals["parameters"] * 2 >= result.base["parameters"] * 3
    assert result.best.experts


@pytest.mark.parametrize(
    ("text", "maxima", "more", "message"),
    [
        ("width=0.5", ("peak=1MB",), {}, "--experts with --vary: peak_activation_bytes does not add up"),
        ("width=0.5", ("bytes=+1%",), {"goal": "mine", "score": lambda profile: 1}, "mine does not add up"),
        ("width=0.01:5:0.01", ("bytes=+1%",), {}, "--experts with --vary: 500 variants are too many"),
        ("width=0.5", ("weights=1kB",), {}, "none of 1 variant meets the budgets: the nearest"),
    ],
)
def test_questions_that_make_no_sense(
    text: str, maxima: tuple[str, ...], more: dict[str, Any], message: str, variant: str
) -> None:
    with pytest.raises(UsageError, match=message):
        answer(variant, text, *maxima, **more)


def test_options_stay(variant: str) -> None:
    """A fused network is counted fused, with experts too."""
    question = VariationQuestion(
        axes="width=1", budgets=parse_budgets(["bytes=+5%"], [], LIMITED), goal="parameters", experts=(2,)
    )
    options = replace(SMALL, fuse=True)
    result = vary(resolve(variant), options, question, ExecutionConfig())

    counted = finish(count_with(resolve(variant), options, result.best.experts))
    assert result.best.experts
    assert counted.totals.parameters == result.best.totals["parameters"]

"""Channels of rows: what is found with bounds is the best of all variants, built and counted."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline import ExecutionConfig
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve
from archprof.sources.yaml_file import load
from archprof.suggest import bounded_search
from archprof.suggest import vary as module
from archprof.suggest.additive import LIMITED, parse_budgets
from archprof.suggest.vary import VariationQuestion, vary

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.variation import Variation

SMALL = Options(size=(64, 64))

ROWS = """\
nc: 2
scales: {n: [0.5, 0.5, 256]} # one
backbone:
  - [-1, 1, Conv, [32, 3, 2]] # the first
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 2, C2f, [64, True]]
  - [-1, 1, SPPF, [128, 5]]
  - [-1, 1, PSA, [128]]
head:
  - [[-1, 2], 1, Concat, [1]]
  - [-1, 1, Conv, [64, 1, 1]]
  - [-1, 1, Classify, [nc]]
"""
"""Row 4 takes as many channels as it gives, so it changes with row 3 alone. Its heads take 64 channels each."""


def variant(folder: Path, rows: str = ROWS) -> Path:
    path = folder / "mine.yaml"
    path.write_text(rows, encoding="utf-8")
    return path


def answer(path: Path | str, text: str, *maxima: str, minima: tuple[str, ...] = (), **more: Any) -> Variation:
    budgets = parse_budgets(maxima, minima, LIMITED)
    question = VariationQuestion(axes=text, budgets=budgets, **{"goal": "parameters", **more})
    return vary(resolve(str(path)), SMALL, question, ExecutionConfig())


@pytest.fixture(scope="module")
def every_variant(tmp_path_factory: pytest.TempPathFactory) -> Variation:
    """All variants of five rows with two choices each, counted."""
    result = answer(variant(tmp_path_factory.mktemp("all")), "channels=0.5,1")
    assert (result.method, result.size, len(result.models)) == ("all", 32, 32)
    return result


@pytest.mark.parametrize("goal", ["parameters", "flops"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 6))])
def test_bounds_find_the_best_of_all(
    goal: str, seed: int, every_variant: Variation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = random.Random(seed)
    limits = {name: every_variant.base[name] * generator.randint(85, 99) // 100 for name in ("bytes", "flops")}
    monkeypatch.setattr(module, "MOST", 0)

    result = answer(
        variant(tmp_path), "channels=0.5,1", *(f"{name}={limit}" for name, limit in limits.items()), goal=goal
    )

    fitting = [
        model for model in every_variant.models if all(model.totals[name] <= limit for name, limit in limits.items())
    ]
    ordered = sorted((model.totals[goal] for model in fitting), reverse=True)
    assert (result.method, result.proven) == ("bounds", True)
    assert [model.goal for model in result.models] == ordered[:3]
    assert result.goal_bound == ordered[0]


def test_bounds_with_a_budget_that_does_not_add_up(
    every_variant: Variation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 0)
    peaks = sorted({model.totals["peak_activation_bytes"] for model in every_variant.models})
    limit = peaks[len(peaks) // 2]

    result = answer(variant(tmp_path), "channels=0.5,1", f"peak={limit}")

    fitting = [model for model in every_variant.models if model.totals["peak_activation_bytes"] <= limit]
    assert result.method == "bounds"
    assert result.best.goal == max(model.totals["parameters"] for model in fitting)
    with pytest.raises(UsageError, match="counted among 32 variants meets the budgets"):
        answer(variant(tmp_path), "channels=0.5,1", "peak=1 kB")


def test_a_width_that_no_float_is(tmp_path: Path) -> None:
    """Row 0 has ceil(32 * 0.3 / 8) * 8 = 16 channels, and 24 of them are 80 * 0.3, which a float makes 81 of."""
    path = variant(tmp_path, ROWS.replace("[0.5, 0.5, 256]", "[0.5, 0.3, 256]"))

    result = answer(path, "channels=1.5", only=("model.0",))

    assert result.best.channels == {"model.0": 24}


def test_a_search_among_sums_that_ends_early_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 0)
    monkeypatch.setattr(bounded_search, "NODES", 0)

    result = answer(variant(tmp_path), "channels=0.5,1", "flops=-5%")

    assert (result.method, result.proven) == ("search", False)
    assert "no bound is known: the search among sums ended" in result.exclusions[-1]
    assert result.best.fits


def test_rows_that_change_together(every_variant: Variation, tmp_path: Path) -> None:
    """PSA gives as many channels as it takes: row 3 and row 4 have the same in each variant."""
    changed = [set(model.channels) & {"model.3", "model.4"} for model in every_variant.models]

    assert sorted(map(len, changed)) == [0] * 16 + [2] * 16


def test_what_is_written_is_what_was_counted(tmp_path: Path) -> None:
    result = answer(variant(tmp_path), "channels=0.5,1,2", "flops=+5%", only=("model.[01]", "C2f"))
    path = tmp_path / "written.yaml"
    assert result.yaml is not None
    path.write_text(result.yaml, encoding="utf-8")

    profile = profile_spec(load(path), SMALL)
    assert profile.totals.parameters == result.best.totals["parameters"]
    shapes = {layer.path: layer.output_shapes[0][1] for layer in profile.layers}
    assert {name: shapes[name] for name in result.best.channels} == result.best.channels
    assert set(result.best.channels) <= {"model.0", "model.1", "model.2"}
    assert "# the first" in result.yaml


def test_more_channels_than_the_cap(tmp_path: Path) -> None:
    """Row 3 has 128 written, and 64 by the cap of 256 · 0.5 and the width; twice that is 128, the cap's."""
    path = variant(tmp_path, ROWS.replace("SPPF, [128, 5]", "SPPF, [512, 5]").replace("PSA, [128]", "PSA, [512]"))
    result = answer(path, "channels=1,2", minima=("parameters=+1%",), only=("SPPF", "PSA"))

    # 512 is capped at 256, and half of it is 128: twice that is 256.
    assert result.base_channels == {"model.3": 128, "model.4": 128}
    assert result.best.channels == {"model.3": 256, "model.4": 256}
    path.write_text(result.yaml or "", encoding="utf-8")
    assert profile_spec(load(path), SMALL).totals.parameters == result.best.totals["parameters"]


@pytest.mark.parametrize(("multiple", "channels"), [(8, {8, 16, 24}), (16, {16, 32})])
def test_multiples(multiple: int, channels: set[int], tmp_path: Path) -> None:
    # Row 0 has 16 channels: 0.6 and 1.6 times are 9.6 and 25.6.
    result = answer(variant(tmp_path), "channels=0.6,1,1.6", only=("model.0",), multiple=multiple)

    assert {model.channels.get("model.0", 16) for model in result.models} == channels


def test_the_nearest_of_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every_variant: Variation) -> None:
    monkeypatch.setattr(module, "MOST", 0)
    least = min(model.totals["parameters"] for model in every_variant.models)

    with pytest.raises(UsageError) as caught:
        answer(variant(tmp_path), "channels=0.5,1", "parameters=1000")
    assert "none of 32 variants meets the budgets: the nearest (channels of 6 rows) has" in caught.value.message
    assert f"{least:,}, {least - 1000:,} above --max parameters=1000" in caught.value.message


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("channels=0.5", {"only": ("model.9",)}, "--only 'model.9' matches none of the 6 rows with channels"),
        ("channels=0.5", {"never": ("Detect",)}, "--never 'Detect' matches none"),
        ("channels=0.5", {"never": ("*",)}, "no row left whose channels may change"),
        ("channels=1", {}, "no row of .* can have other channels"),
        ("channels=0", {}, "channels takes numbers above 0"),
        ("channels=0.5", {"multiple": 12, "only": ("model.0",)}, "no row of .* can have other channels"),
    ],
)
def test_questions_that_make_no_sense(text: str, more: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        answer(variant(tmp_path), text, **more)

"""The variants that ``--vary`` counts, and the one that it chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline import ExecutionConfig
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve
from archprof.sources.yaml_file import load
from archprof.suggest import vary as module
from archprof.suggest.additive import parse_budgets
from archprof.suggest.axes import parse_axes, size_of
from archprof.suggest.vary import LIMITED, VariationQuestion, vary

if TYPE_CHECKING:
    from pathlib import Path

ROWS = """\
nc: 2
{factors}
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 3, C2f, [128]]
head:
  - [-1, 1, Classify, [nc]]
"""
SMALL = Options(size=(64, 64))


def variant(folder: Path, factors: str = "scales: {n: [0.5, 0.5, 1024], s: [1.0, 1.0, 1024]} # two") -> Path:
    path = folder / "mine.yaml"
    path.write_text(ROWS.format(factors=factors), encoding="utf-8")
    return path


def answer(path: Path | str, text: str, *maxima: str, goal: str = "parameters", **more: Any) -> Any:
    budgets = parse_budgets(maxima, more.pop("minima", ()), LIMITED)
    question = VariationQuestion(axes=text, budgets=budgets, goal=goal, **more)
    return vary(resolve(str(path)), SMALL, question, ExecutionConfig())


@pytest.mark.parametrize("factors", ["scales: {n: [0.5, 0.5, 1024]}", "depth_multiple: 0.5\nwidth_multiple: 0.5", ""])
def test_each_figure_is_that_of_the_file(tmp_path: Path, factors: str) -> None:
    path = variant(tmp_path, factors)
    result = answer(path, "width=0.25,0.5,depth=0.33,1,imgsz=32,64")

    assert (result.size, result.counted, result.proven) == (8, 8, True)
    for model in result.models:
        depth, width = model.changes["depth"], model.changes["width"]
        text = f"scales: {{n: [{depth}, {width}, 1024]}}" if "scales" in factors else (
            f"depth_multiple: {depth}\nwidth_multiple: {width}"
        )  # fmt: skip
        expected = profile_spec(load(variant(tmp_path, text)), Options(size=(int(model.changes["imgsz"]),)))
        assert model.totals["parameters"] == expected.totals.parameters
        assert model.totals["flops"] == expected.totals.flops
        assert model.totals["peak_activation_bytes"] == expected.totals.peak_activation_bytes


def test_the_best_of_all(tmp_path: Path) -> None:
    result = answer(variant(tmp_path), "width=0.125:1:0.125,imgsz=32:96:32", "flops=+10%", "peak=4 MB", goal="flops")
    fitting = [model for model in result.models if model.fits]

    assert fitting
    assert all(model.totals["flops"] * 10 <= result.base["flops"] * 11 for model in fitting)
    assert all(model.totals["peak_activation_bytes"] <= 4_000_000 for model in fitting)
    assert result.best.totals["flops"] == max(model.totals["flops"] for model in fitting)


def test_what_is_handed_out_is_what_was_counted(tmp_path: Path) -> None:
    result = answer(variant(tmp_path), "width=0.25,0.375", "parameters=-10%")
    path = tmp_path / "written.yaml"
    path.write_text(result.yaml, encoding="utf-8")

    assert load(path).scales.keys() == {"n"}
    assert profile_spec(load(path), SMALL).totals.parameters == result.best.totals["parameters"]


def test_every_scale(tmp_path: Path) -> None:
    result = answer(variant(tmp_path), "scale")

    assert [model.changes["scale"] for model in result.models] == ["s", "n"]


def test_a_score_of_the_user_s(tmp_path: Path) -> None:
    result = answer(variant(tmp_path), "width=0.25,0.5", goal="mine", score=lambda profile: -profile.totals.flops)

    assert result.best.changes == {"width": 0.25}
    with pytest.raises(UsageError, match="--goal mine raised ZeroDivisionError"):
        answer(variant(tmp_path), "width=0.25", goal="mine", score=lambda profile: 1 / 0)
    for wrong in ("large", None, True, float("nan")):
        with pytest.raises(UsageError, match="which is not a number"):
            answer(variant(tmp_path), "width=0.25", goal="mine", score=lambda profile, wrong=wrong: wrong)


def test_the_nearest_of_those_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        answer(variant(tmp_path), "width=0.25,0.5", "parameters=1000")
    assert "none of 2 variants meets the budgets: the nearest (width 0.25) has" in caught.value.message
    assert "above --max parameters=1000" in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wdth=1", "--vary 'wdth': unknown"),
        ("width=", "expected AXIS=VALUE,VALUE"),
        ("0.5", "expected AXIS=VALUE,VALUE"),
        ("width=wide", "--vary width: 'wide' is not a number"),
        ("width=1:2:0", "--vary width: '1:2:0' is not a range"),
        ("width=1:2:0.1:3", "is not a range"),
        ("width=1e999999999", "is not a number"),
        ("imgsz=1:1001", "--vary imgsz has 1,001 values, more than 1,000"),
        ("width=2:1:0.5", "is not a range"),
        ("width=-1", "width takes numbers above 0"),
        ("imgsz=64.5", "imgsz takes whole numbers above 0"),
        ("scale=x", "--vary scale=x: unknown"),
        ("scale,width=1", "a scale has its own width and depth"),
        ("width=1,width=2", "names width twice"),
    ],
)
def test_axes_that_make_no_sense(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_axes(text, resolve(str(variant(tmp_path))))


def test_a_model_without_factors() -> None:
    with pytest.raises(UsageError, match="changes a YAML's factors and rows"):
        parse_axes("width=1", resolve("timm:resnet18"))


def test_among_too_many_it_searches_and_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    text = "width=0.125:0.75:0.125,imgsz=32:96:32"
    assert size_of(parse_axes(text, resolve(str(variant(tmp_path))))) == 18
    result = answer(variant(tmp_path), text, "flops=+0%", goal="flops")

    assert (result.size, result.method, result.proven, result.goal_bound) == (18, "search", False, None)
    assert result.best.fits
    assert result.best.totals["flops"] == result.best.goal <= result.base["flops"]
    with pytest.raises(UsageError, match=r"none of the \d+ counted among 18 variants meets the budgets: the nearest"):
        answer(variant(tmp_path), text, "parameters=1000")


def test_the_least_where_only_lower_limits_are_set(tmp_path: Path) -> None:
    result = answer(variant(tmp_path), "width=0.25:1:0.25", minima=("parameters=+10%",), goal="bytes")

    assert result.maximise is False
    # Width 0.5 is the model as it is, so 0.75 is the first that has more.
    assert result.best.changes == {"width": 0.75}

"""A limit on the predicted time, on a computer whose figures are round."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from archprof.builder.options import Options
from archprof.count.memory import measure
from archprof.errors import UsageError
from archprof.latency import calibration_store
from archprof.latency.prediction import predict
from archprof.pipeline import ExecutionConfig
from archprof.pipeline.counting import count_spec, finish
from archprof.render import View
from archprof.render.variation import report
from archprof.sources.reference import resolve
from archprof.suggest.additive import LIMITED, parse_budgets
from archprof.suggest.clock import CALLING, RUNNING, Clock
from archprof.suggest.deltas import count_with
from archprof.suggest.placement import suggest
from archprof.suggest.problem import Question
from archprof.suggest.scored import ScoredQuestion, best_scored
from archprof.suggest.vary import VariationQuestion, vary

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.calibration import Calibration

SMALL = Options(size=(64, 64))

ROWS = """\
nc: 2
depth_multiple: 1.0
width_multiple: 1.0
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def variant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "mine.yaml"
    path.write_text(ROWS, encoding="utf-8")
    return str(path)


def calibrated(figures: Calibration, dtype: str = "float32") -> Calibration:
    """The figures as those of this computer, kept."""
    calibration = replace(
        figures,
        device=calibration_store.this_device(dtype),
        default_threads=figures.threads,
        held_out={"other": 1.25},
    )
    calibration_store.keep(calibration)
    return calibration


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_sums_are_the_prediction(device: str, variant: str, round_figures: Calibration) -> None:
    """On a CPU all sums and the fresh memory; on a card the longer of both sums, and nothing for memory."""
    figures = replace(round_figures, device=replace(round_figures.device, device=device))
    counted = count_with(resolve(variant), SMALL, {"model.0.conv": 4})
    profile = finish(counted)
    sums = Clock(figures).by_call(counted.ledger, measure(counted.ledger.trace))[0]
    prediction = predict(profile, figures)

    assert prediction is not None
    fresh = round(prediction.fresh_memory_s * 10**12)
    expected = sums[CALLING] + sums[RUNNING] if device == "cpu" else max(sums.values())
    # Each operation's time is rounded to a picosecond, twice.
    operations = len(counted.ledger.entries)
    assert abs(expected + fresh - prediction.seconds * 10**12) <= 2 * operations + len(counted.ledger.trace.calls)


@pytest.mark.parametrize("limit", [1, 4, 8])
def test_the_best_of_all_placements_within_a_time(limit: int, variant: str, round_figures: Calibration) -> None:
    calibration = calibrated(round_figures)
    spec, only = resolve(variant), ("model.0", "model.1", "model.2")
    budgets = tuple(parse_budgets([f"latency=+{limit}%"], []))

    answer = suggest(spec, SMALL, Question(experts=(2, 4), budgets=budgets, only=only, alternatives=0))

    def counted(experts: dict[str, int]) -> tuple[int, float]:
        profile = finish(count_with(spec, SMALL, experts))
        prediction = predict(profile, calibration)
        assert prediction is not None
        return profile.totals.parameters, prediction.seconds

    _, base = counted({})
    paths = ("model.0.conv", "model.1.conv", "model.2.conv.conv")
    totals = [
        counted({path: number for path, number in zip(paths, numbers, strict=True) if number})
        for numbers in product((0, 2, 4), repeat=3)
    ]
    assert answer.counted["parameters"] == max(
        parameters for parameters, seconds in totals if seconds <= base * (1 + limit / 100)
    )
    assert answer.latency_s is not None
    assert answer.latency_s[0] == base
    # The held-out model took 1.25 times as long as predicted.
    assert answer.latency_interval_s == [pytest.approx([each / 1.25, each * 1.25]) for each in answer.latency_s]
    (bound,) = answer.bounds
    assert (bound.metric, bound.base) == ("latency", round(base * 10**12))
    assert bound.predicted <= bound.limit


def test_no_placement_is_fast_enough(variant: str, round_figures: Calibration) -> None:
    calibrated(round_figures)
    budgets = tuple(parse_budgets(["latency=1us"], []))

    with pytest.raises(
        UsageError, match=r"--max latency=1us: the nearest placement has .* above the limit of 1\.00 µs"
    ):
        suggest(resolve(variant), SMALL, Question(experts=(2,), budgets=budgets))


def test_the_widest_within_a_time(variant: str, round_figures: Calibration) -> None:
    calibration = calibrated(round_figures)
    budgets = parse_budgets(["latency=-1%"], [], LIMITED)
    question = VariationQuestion(axes="width=0.5,1,imgsz=32,64", budgets=budgets, goal="flops")

    result = vary(resolve(variant), SMALL, question, ExecutionConfig())

    prediction = predict(finish(count_spec(resolve(variant), SMALL)), calibration)
    assert prediction is not None
    assert result.base["latency"] == round(prediction.seconds * 10**12)
    assert result.latency_s is not None
    # The held-out model took 1.25 times as long as predicted.
    assert result.latency_interval_s == [pytest.approx([each / 1.25, each * 1.25]) for each in result.latency_s]
    assert any("with its interval" in note for note in report(result, View()).notes)
    fitting = [model for model in result.models if model.totals["latency"] * 100 <= result.base["latency"] * 99]
    assert 0 < len(fitting) < 4
    assert fitting == [model for model in result.models if model.fits]
    assert result.best.goal == max(model.totals["flops"] for model in fitting)


def test_a_placement_by_a_function_within_a_time(variant: str, round_figures: Calibration) -> None:
    calibration = calibrated(round_figures)
    budgets = tuple(parse_budgets(["latency=+10%"], [], LIMITED))
    question = ScoredQuestion(
        score=lambda profile: profile.totals.parameters, name="mine", experts=(2, 4), budgets=budgets
    )
    result = best_scored(resolve(variant), SMALL, question)

    for model in result.models:
        prediction = predict(finish(count_with(resolve(variant), SMALL, model.experts)), calibration)
        assert prediction is not None
        assert model.totals["latency"] == round(prediction.seconds * 10**12)
        assert model.fits is (model.totals["latency"] * 100 <= result.base["latency"] * 110)
    assert result.best.goal == max(model.totals["parameters"] for model in result.models if model.fits)
    assert result.latency_s is not None
    assert [round(seconds * 10**12) for seconds in result.latency_s] == [
        result.base["latency"],
        result.best.totals["latency"],
    ]


@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_a_computer_that_was_not_calibrated(dtype: str | None, variant: str, round_figures: Calibration) -> None:
    """One message, with what to type; where it was calibrated for something else, that too."""
    if dtype:
        calibrated(round_figures, dtype)
    reason = "calibrated in bfloat16, not in float32" if dtype else "this computer was not calibrated"
    placement = Question(experts=(2,), budgets=tuple(parse_budgets(["latency=+3%"], [])))
    variation = VariationQuestion(axes="width=1", budgets=parse_budgets(["latency=+3%"], [], LIMITED), goal="flops")

    for ask in (
        lambda: suggest(resolve(variant), SMALL, placement),
        lambda: vary(resolve(variant), SMALL, variation, ExecutionConfig()),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.message.startswith(f"latency cannot be predicted: {reason}")
        assert "`archprof calibrate`" in f"{caught.value.message} {caught.value.hint}"


def test_nobody_wants_a_slower_model() -> None:
    with pytest.raises(UsageError, match="--min latency"):
        parse_budgets([], ["latency=1ms"])

"""The placement of experts that a function of the user's own likes most."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder.options import Options
from archprof.errors import UsageError
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve
from archprof.sources.yaml_file import load
from archprof.suggest import scored as module
from archprof.suggest.additive import LIMITED, parse_budgets
from archprof.suggest.scored import ScoredQuestion, best_scored

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.profile import Profile
    from archprof.records.variation import Variation

ROWS = """\
nc: 2
scales: {n: [1.0, 1.0, 1024]}
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""
PATHS = ("model.0.conv", "model.1.conv", "model.2.conv.conv")
SMALL = Options(size=(64, 64))


def parameters_per_peak(profile: Profile) -> float:
    """A quotient, which is no sum over convolutions."""
    return profile.totals.parameters / profile.totals.peak_activation_bytes


def answer(folder: Path, *maxima: str, score: Any = parameters_per_peak, **more: Any) -> Variation:
    path = folder / "mine.yaml"
    path.write_text(ROWS, encoding="utf-8")
    budgets = tuple(parse_budgets(maxima, (), LIMITED))
    question = ScoredQuestion(score=score, name="mine", experts=(2, 4), budgets=budgets, **more)
    return best_scored(resolve(str(path)), SMALL, question)


def every_placement(folder: Path) -> dict[tuple[tuple[str, int], ...], Profile]:
    """The 27 files that can be written by hand: each of three convolutions plain, or with 2 or 4 experts."""
    profiles = {}
    for numbers in product((0, 2, 4), repeat=3):
        experts = {path: number for path, number in zip(PATHS, numbers, strict=True) if number}
        path = folder / "by_hand.yaml"
        path.write_text(ROWS + (f"dynamic_convolutions: {experts}\n" if experts else ""), encoding="utf-8")
        profiles[tuple(experts.items())] = profile_spec(load(path), SMALL)
    return profiles


def test_the_best_of_all_files_that_could_be_written(tmp_path: Path) -> None:
    result = answer(tmp_path, "bytes=+10%", "peak=+1%")
    profiles = every_placement(tmp_path)
    base = profiles[()].totals
    fitting = {
        placement: parameters_per_peak(profile)
        for placement, profile in profiles.items()
        if 10 * (profile.totals.bytes_read + profile.totals.bytes_written)
        <= 11 * (base.bytes_read + base.bytes_written)
        and 100 * profile.totals.peak_activation_bytes <= 101 * base.peak_activation_bytes
    }

    assert 1 < len(fitting) < 27
    assert (result.size, result.method, result.proven) == (27, "all", True)
    assert result.best.goal == max(fitting.values())
    assert {tuple(model.experts.items()): model.goal for model in result.models if model.fits} == fitting


def test_what_is_handed_out_is_what_was_counted(tmp_path: Path) -> None:
    result = answer(tmp_path, "bytes=+10%")
    path = tmp_path / "written.yaml"
    path.write_text(result.yaml or "", encoding="utf-8")

    assert profile_spec(load(path), SMALL).totals.parameters == result.best.totals["parameters"]
    assert "EXPERTS = {" in (result.python or "")


def test_a_placement_beyond_a_sum_is_not_counted(tmp_path: Path) -> None:
    seen: list[int] = []

    def score(profile: Profile) -> int:
        seen.append(profile.totals.parameters)
        return profile.totals.parameters

    # Weights: 3·16·9 = 432 in the first convolution, 16·32·9 = 4,608 in the second, 32·1280 = 40,960 in the third. Each
    # expert beyond the first is a copy more, and the router has inputs·M + M: with two experts 432 + 3·2 + 2 = 440 and
    # 4,608 + 16·2 + 2 = 4,642 more, with four in the first 3·432 + 3·4 + 4 = 1,312. Two with two: 440 + 4,642 = 5,082.
    result = answer(tmp_path, "parameters=+5300", score=score)

    assert sorted(total - result.base["parameters"] for total in seen) == [0, 440, 1312, 4642, 5082]
    assert result.counted == 5


def test_a_search_finds_at_least_what_the_programme_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")
    best = answer(tmp_path, "bytes=+10%").best
    monkeypatch.setattr(module, "VARIANTS", 0)
    result = answer(tmp_path, "bytes=+10%")

    assert (result.method, result.proven) == ("search", False)
    assert result.best.goal == best.goal


def test_the_model_as_it_is_may_be_the_best(tmp_path: Path) -> None:
    result = answer(tmp_path, score=lambda profile: -profile.totals.flops)

    assert result.best.experts == {}
    assert result.python is None
    assert result.best.text == "the model as it is"


def test_what_cannot_be_answered(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of 27 variants meets the budgets: the nearest"):
        answer(tmp_path, "bytes=-10%")
    with pytest.raises(UsageError, match="--goal mine raised ZeroDivisionError"):
        answer(tmp_path, score=lambda profile: 1 / 0)
    with pytest.raises(UsageError, match="latency cannot be predicted"):
        answer(tmp_path, "latency=+5%")
    with pytest.raises(UsageError, match="matches none"):
        answer(tmp_path, only=("model.9",))

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

import archprof
from archprof.errors import ArchprofError, BudgetFileError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a variant and its budget."""
    (tmp_path / "tiny.yaml").write_text(tiny, encoding="utf-8")
    text = '[[budgets]]\nvariants = "*.yaml"\nimgsz = 64\nparameters = { max = "51 K" }\n'
    (tmp_path / "archprof.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_whole_check(folder: Path) -> None:
    check = archprof.check()
    (case,) = check.cases
    (judgement,) = case.failed
    assert (check.exit_code, judgement.found, judgement.excess) == (1, 51_218, 218)


def test_a_file_and_a_reference_may_be_named(folder: Path) -> None:
    (folder / "other.toml").write_text('[[budgets]]\nvariants = "*.yaml"\nlayers = { max = 1000 }\n', encoding="utf-8")
    assert archprof.check("tiny.yaml", config=folder / "other.toml").exit_code == 0
    with pytest.raises(ArchprofError, match="has no budget for"):
        archprof.check("none.yaml")


def test_a_reference_that_does_not_build_could_not_be_judged(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("backbone: 3\n", encoding="utf-8")
    assert archprof.within("tiny.yaml", flops="1 G").exit_code == 2


def test_a_profile_is_held_to_what_is_given() -> None:
    # 4·8·3·3 weights and 8 biases; 8·8 outputs of 36 MACs each for 8 channels, twice.
    profile = archprof.profile(torch.nn.Conv2d(4, 8, 3, padding=1), torch.empty(1, 4, 8, 8))
    assert archprof.within(profile, parameters=296, flops=36_864, flops_ratio=1.0).exit_code == 0
    assert archprof.within(profile, parameters={"min": 297, "level": "warn"}).exit_code == 0
    assert archprof.within(profile, flops="36.8 K").exit_code == 1


@pytest.mark.parametrize(
    ("budget", "says"),
    [({"flop": 1}, "within.flop: no such key"), ({"flops": "1 s"}, "'s' is no unit of it"), ({"nc": "x"}, "within.nc")],
)
def test_a_mistake_is_said(budget: dict[str, object], says: str) -> None:
    with pytest.raises(BudgetFileError, match=says):
        archprof.within("tiny.yaml", **budget)

"""The recipes of docs/extending.md, followed to the letter: the file that each shows is written, used, forgotten."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

import archprof
from archprof.builder.plugins import load_plugin
from archprof.count.formulas import FORMULAS
from archprof.counters import COUNTERS
from archprof.counters.probe import probe_case

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file that the page shows."""

    def write(title: str) -> Path:
        block = re.search(rf'```python title="{title}"\n(.*?)^```$', PAGE.read_text(encoding="utf-8"), re.M | re.S)
        assert block is not None
        path = tmp_path / title
        path.write_text(block[1], encoding="utf-8")
        return path

    return write


class Mix(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(5, 7))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.ops.mine.mix(x, self.weight)
        return result


def test_an_operations_formula(recipe: Callable[[str], Path]) -> None:
    library = torch.library.Library("mine", "DEF")
    library.define("mix(Tensor left, Tensor right) -> Tensor")
    library.impl("mix", lambda left, right: left.new_empty(left.shape[0], right.shape[1]), "Meta")
    assert archprof.profile(Mix(), torch.zeros(3, 5)).coverage.unknown == {"mine.mix": 1}
    with FORMULAS.scope():
        load_plugin(str(recipe("formula.py")))
        totals = archprof.profile(Mix(), torch.zeros(3, 5)).totals
    # 3 · 5 · 7 products, and a bias for each of 3 · 7 elements.
    assert (totals.macs, totals.elementwise_flops) == (105, 21)
    assert "mine.mix" not in FORMULAS


def test_a_counter(recipe: Callable[[str], Path]) -> None:
    model, inputs = probe_case()
    with COUNTERS.scope():
        load_plugin(str(recipe("counter.py")))
        result = COUNTERS["parameters-twice"].run(model, inputs)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert (result.error, result.value, result.macs) == (None, 2 * parameters, parameters)
    assert "parameters-twice" not in COUNTERS

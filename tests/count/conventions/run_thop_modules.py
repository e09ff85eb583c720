"""Runs an old thop for real on modules and on their replay, in a process of its own where it owns the import name.

Usage: python run_thop_modules.py NAME... ; prints a JSON list of [case, what thop gives, what the replay gives]; either
is "stops" where it ends in an error.
"""

from __future__ import annotations

import copy
import json
import sys
import warnings
from typing import TYPE_CHECKING, Any

import thop
from torch import nn

from archprof.count.conventions.subject import ToolStopsError
from archprof.count.conventions.thop_2_0 import amounts
from archprof.trace.run import trace

sys.path.insert(0, __file__.rpartition("/")[0])
from generated import modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

STOPS = "stops"


def real(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> float | str:
    try:
        return float(thop.profile(copy.deepcopy(model), inputs=inputs, verbose=False)[0])
    except Exception:
        return STOPS


def replayed(model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> float | str:
    try:
        return float(sum(number for _, number in amounts(trace(model, inputs))))
    except ToolStopsError:
        return STOPS


class ByKeyword(nn.Module):
    """Calls a module with its first argument by name."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> Any:
        return self.module(input=x)


def results(name: str) -> Iterator[tuple[str, float | str, float | str]]:
    for index, case in enumerate(modules(name)):
        inputs = case.inputs
        if case.keywords:  # thop calls models with positional arguments
            continue
        yield f"{name}, sample {index}", real(case.model, inputs), replayed(case.model, inputs)
        if len(inputs) == 1 and "input" in case.model.forward.__code__.co_varnames:
            model = ByKeyword(case.model)
            yield f"{name}, sample {index} by keyword", real(model, inputs), replayed(model, inputs)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps([result for name in sys.argv[1:] for result in results(name)]))

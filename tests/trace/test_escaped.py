"""What a pass leaves beyond what is followed is taken back: the model computes it anew, as if nobody had looked."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import archprof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

X = torch.ones(2, 3)

HOLDERS = {
    "a dict": "C = {}\ndef keep(x):\n    return C.setdefault('y', x * 2)",
    "a subclass of dict": (
        "from collections import OrderedDict\nC = OrderedDict()\ndef keep(x):\n    return C.setdefault('y', x * 2)"
    ),
    "a list": "C = []\ndef keep(x):\n    C or C.append(x * 2)\n    return C[0]",
    "a deque": "from collections import deque\nC = deque()\ndef keep(x):\n    C or C.append(x * 2)\n    return C[0]",
    "a set": "C = set()\ndef keep(x):\n    C or C.add(x * 2)\n    return [*C][0]",
    "a tuple in a dict": "C = {}\ndef keep(x):\n    return C.setdefault('y', (1, (x * 2,)))[1][0]",
    "a global": "y = None\ndef keep(x):\n    global y\n    if y is None:\n        y = x * 2\n    return y",
    "an attribute": (
        "class C:\n    pass\nC = C()\ndef keep(x):\n    if not hasattr(C, 'y'):\n        C.y = x * 2\n    return C.y"
    ),
    "an attribute that is None at first": (
        "class C:\n    def __init__(self):\n        self.y = None\nC = C()\n"
        "def keep(x):\n    if C.y is None:\n        C.y = x * 2\n    return C.y"
    ),
    "a class": "class C:\n    y = None\ndef keep(x):\n    if C.y is None:\n        C.y = x * 2\n    return C.y",
    "a slot": (
        "class C:\n    __slots__ = ('y',)\nC = C()\n"
        "def keep(x):\n    if not hasattr(C, 'y'):\n        C.y = x * 2\n    return C.y"
    ),
    "a closure": (
        "def make():\n    y = None\n    def keep(x):\n        nonlocal y\n"
        "        if y is None:\n            y = x * 2\n        return y\n    return keep\nkeep = make()"
    ),
    "a cache": "from functools import cache\n@cache\ndef keep(x):\n    return x * 2",
}
"""Somewhere to hold a tensor -> a module's text that does so."""

DEPTH = 6
"""Functions between the model and what holds the tensor."""


@pytest.fixture
def chain(request: pytest.FixtureRequest) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The first and the last of some modules, each of which has a function that calls the next one's."""
    modules = [ModuleType(f"far_{index}") for index in range(DEPTH)]
    exec(HOLDERS[request.param], vars(modules[-1]))
    for module, following in pairwise(modules):
        sys.modules[module.__name__] = module
        module.following = following  # type: ignore[attr-defined]
        exec("def keep(x):\n    return following.keep(x)", vars(module))
    sys.modules[modules[-1].__name__] = modules[-1]
    yield modules[0], modules[-1]
    for module in modules:
        del sys.modules[module.__name__]


class Net(nn.Module):
    def __init__(self, keep: Callable[[Any], Any], *, branches: bool = False) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.keep = keep
        self.branches = branches

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.keep(self.layer(x))
        if self.branches and bool(y.sum() > 1e9):
            return y
        return y + 1


@pytest.mark.parametrize("chain", HOLDERS, indirect=True)
@pytest.mark.parametrize("branches", [False, True])
def test_a_model_runs_as_before_whatever_holds_a_tensor_far_away(
    chain: tuple[ModuleType, ModuleType], branches: bool
) -> None:
    first, _ = chain
    # A lambda, which holds the first module alone.
    model = Net(lambda x: first.keep(x), branches=branches)
    figures = archprof.profile(model, (X,)).totals
    # 2 × 3 × 3 multiply-accumulates; 6 elements are doubled and 6 are added to, and where it branches 6 summed.
    assert figures.macs == 18
    if branches:
        return  # it was run with values, which may stay: the model runs with them
    with torch.no_grad():
        assert torch.equal(model(X), model.layer(X) * 2 + 1)


@pytest.mark.parametrize("chain", ["a dict"], indirect=True)
def test_a_second_profile_counts_what_the_first_one_did(chain: tuple[ModuleType, ModuleType]) -> None:
    first, last = chain
    model = Net(lambda x: first.keep(x))
    totals = [archprof.profile(model, (X,)).totals for _ in range(2)]
    assert totals[0] == totals[1]
    assert last.C == {}


@pytest.mark.parametrize("chain", ["a dict"], indirect=True)
def test_a_pass_that_stopped_for_values_leaves_nothing_without_them(chain: tuple[ModuleType, ModuleType]) -> None:
    first, last = chain
    model = Net(lambda x: first.keep(x), branches=True)
    archprof.profile(model, (X,))
    assert not any(value.is_meta for value in last.C.values())
    assert torch.isfinite(model(X)).all()


def test_what_a_model_on_meta_holds_stays() -> None:
    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3)
            self.table = [torch.ones(3, device="meta")]
            self.bias = torch.ones(3, device="meta")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.layer(x) + self.bias.mul_(2) + self.table[0]
            return y

    model = Holds().to("meta")
    table, bias, weight = model.table[0], model.bias, model.layer.weight
    archprof.profile(model, (X,))
    assert model.table[0] is table
    assert model.bias is bias
    assert model.layer.weight is weight


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_what_a_tensor_itself_holds_stays() -> None:
    # A jagged tensor has its offsets among its attributes, and torch keeps them in a registry of its own.
    class Jagged(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            rows = torch.nested.nested_tensor([x[0], x[1, :3]], layout=torch.jagged)
            values: torch.Tensor = self.layer(rows).values()
            return values

    model, x = Jagged(), torch.ones(2, 5, 8)
    expected = model(x)
    # 5 + 3 rows of 8 × 4 multiply-accumulates.
    assert [archprof.profile(model, (x,)).totals.macs for _ in range(2)] == [256, 256]
    assert torch.equal(model(x), expected)

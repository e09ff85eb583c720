"""A module's row holds what it ran once, however modules call each other."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import archprof

ROWS = torch.zeros(1, 10)


def macs(model: nn.Module) -> dict[str, int]:
    return {module.path: module.macs for module in archprof.profile(model, ROWS).modules}


class Recursive(nn.Module):
    """Runs its layer and itself again."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(10, 10)

    def forward(self, x: torch.Tensor, times: int = 3) -> Any:
        x = self.layer(x)
        return self(x, times - 1) if times > 1 else x


def test_a_module_that_calls_itself() -> None:
    # Three times 10 · 10.
    assert macs(Recursive()) == {"": 300, "layer": 300}
    assert macs(nn.Sequential(Recursive())) == {"": 300, "0": 300, "0.layer": 300}


class Pair(nn.Module):
    """Two modules that call each other."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = Half(), Half()

    def forward(self, x: torch.Tensor) -> Any:
        return self.left(x, self.right, 4)


class Half(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(10, 10)

    def forward(self, x: torch.Tensor, other: Half, times: int) -> Any:
        x = self.layer(x)
        return other(x, self, times - 1) if times > 1 else x


def test_modules_that_call_each_other() -> None:
    # left, right, left, right: the first call of left holds all four, the first of right three.
    assert macs(Pair()) == {"": 400, "left": 400, "left.layer": 200, "right": 300, "right.layer": 200}


class Listed(nn.Module):
    """A list whose first member calls its second, as well as itself."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList([Half(), Half()])

    def forward(self, x: torch.Tensor) -> Any:
        return self.parts[0](x, self.parts[1], 3)


def test_a_list_whose_members_call_each_other() -> None:
    # first, second, first: 300 in all.
    assert macs(Listed()) == {
        "": 300,
        "parts": 300,
        "parts.0": 300,
        "parts.0.layer": 200,
        "parts.1": 200,
        "parts.1.layer": 100,
    }


class Called(nn.Module):
    """Calls modules of one list in a given order, each from inside of the one before or beside it."""

    def __init__(self, order: list[tuple[int, bool]]) -> None:
        super().__init__()
        self.order = order
        self.nodes = nn.ModuleList(Node() for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.run(x, 0)

    def run(self, x: torch.Tensor, step: int) -> torch.Tensor:
        if step == len(self.order):
            return x
        index, inside = self.order[step]
        if inside:
            result: torch.Tensor = self.nodes[index](x, lambda y: self.run(y, step + 1))
            return result
        return self.run(self.nodes[index](x, lambda y: y), step + 1)


class Node(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(10, 10)

    def forward(self, x: torch.Tensor, rest: Any) -> Any:
        return rest(self.layer(x))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=8))
def test_no_row_is_more_than_the_model(order: list[tuple[int, bool]]) -> None:
    found = macs(Called(order))
    assert found[""] == found["nodes"] == 100 * len(order)
    assert max(found.values()) == found[""]
    for index in range(3):
        assert found[f"nodes.{index}.layer"] == 100 * sum(node == index for node, _ in order)
        # What runs inside of its outermost calls: a call holds all that follow it where it is not beside them.
        first = next((step for step, (node, inside) in enumerate(order) if node == index and inside), len(order))
        beside = sum(node == index for node, _ in order[:first])
        assert found[f"nodes.{index}"] == 100 * (len(order) - first + beside)

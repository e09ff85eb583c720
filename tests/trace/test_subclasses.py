"""Fake tensors, which say where they are and hold nothing: a model of them is counted as one that holds values."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

import archprof
from archprof.errors import RunError


def _network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 5))


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_a_model_that_holds_none(inside: bool, backward: bool) -> None:
    mode = FakeTensorMode()
    with mode:
        model, image = _network(), torch.randn(2, 3, 8, 8)
    if inside:
        with mode:
            profile = archprof.profile(model, image, backward=backward)
    else:
        profile = archprof.profile(model, image, backward=backward)
    real = archprof.profile(_network(), torch.randn(2, 3, 8, 8), backward=backward)
    assert profile == real
    # 2 images of 8 · 8 places of 8 outputs of 3·3·3 products, and 2 rows of 512 · 5.
    assert profile.totals.macs == 2 * 64 * 8 * 27 + 2 * 512 * 5
    assert {type(tensor) for tensor in (*model.parameters(), *model.buffers())} <= {FakeTensor, nn.Parameter}
    with mode:
        assert model(image).shape == (2, 5)


def test_a_model_profiled_while_others_would_be_fake() -> None:
    with FakeTensorMode():
        profile = archprof.profile(nn.Linear(4, 4), torch.zeros(2, 4))
    assert profile.totals.macs == 2 * 4 * 4


class _Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.line(x) if x.sum() > 0 else x


def test_values_that_it_has_not() -> None:
    with FakeTensorMode():
        model, rows = _Branching(), torch.zeros(2, 4)
    with pytest.raises(RunError, match="needs the values of its input"):
        archprof.profile(model, rows)

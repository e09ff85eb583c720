"""Pooling windows, with the arithmetic by hand, and counted one by one where they overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
import torchvision.ops as regions
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from archprof.count.ledger import Ledger, count
from archprof.count.operations.pooling import adaptive_windows
from archprof.trace.run import trace, trace_values

from ..function import Function

if TYPE_CHECKING:
    from collections.abc import Callable


def flops(model: nn.Module, *inputs: torch.Tensor) -> int:
    """Elementwise FLOPs, which are the same with values and without."""
    ledger, real = count(trace(model, inputs)), count(trace_values(model, inputs))
    assert not ledger.unknown
    assert ledger.elementwise_flops == real.elementwise_flops
    return ledger.elementwise_flops


ADAPTIVE: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    # Windows of 8 · 8 that tile 16 × 16: 3 · 256 elements, and a maximum is not divided.
    "maximum, tiling": (nn.AdaptiveMaxPool2d(2), (1, 3, 16, 16), 768),
    # From ⌊20 i / 7⌋ to ⌈20 (i + 1) / 7⌉: windows of 3, 4, 4, 4, 4, 4, 3 along each side: 26. And 49 divisions.
    "mean, overlapping": (nn.AdaptiveAvgPool2d(7), (1, 1, 20, 20), 26**2 + 49),
    # Each of 49 windows is the one element there is; and 49 divisions.
    "mean of one element": (nn.AdaptiveAvgPool2d(7), (1, 1, 1, 1), 98),
    "maximum of one element": (nn.AdaptiveMaxPool2d(7), (1, 1, 1, 1), 49),
    # From ⌊5 i / 3⌋ to ⌈5 (i + 1) / 3⌉: 0–2, 1–4, 3–5, which are 2 + 3 + 2 = 7; 2 samples of 4 channels; 3 divisions.
    "mean in one dimension": (nn.AdaptiveAvgPool1d(3), (2, 4, 5), 8 * (7 + 3)),
    "maximum in one dimension": (nn.AdaptiveMaxPool1d(3), (2, 4, 5), 8 * 7),
    # Along the sides of 5, 4 and 6: 7 as above, 4 in 2, 6 in 2.
    "mean in three dimensions": (nn.AdaptiveAvgPool3d((3, 2, 2)), (1, 2, 5, 4, 6), 2 * (7 * 4 * 6 + 12)),
    "no batch": (nn.AdaptiveAvgPool2d(7), (3, 20, 20), 3 * 725),
    # Fractional windows are all of the size that is given: 4 · 4 of 2 · 2 in each of 3 channels, and 3 random numbers
    # for each, which cost nothing.
    "fractional": (nn.FractionalMaxPool2d(2, output_size=4), (1, 3, 9, 9), 3 * 16 * 4),
    "fractional in three dimensions": (nn.FractionalMaxPool3d(2, output_size=3), (1, 2, 9, 9, 9), 2 * 27 * 8),
}


@pytest.mark.parametrize("name", ADAPTIVE)
def test_adaptive_and_fractional(name: str) -> None:
    model, shape, expected = ADAPTIVE[name]
    assert flops(model, torch.zeros(shape)) == expected


def test_a_maximum_costs_what_it_costs_with_a_fixed_window() -> None:
    image = torch.zeros(1, 3, 16, 16)
    assert flops(nn.AdaptiveMaxPool2d(2), image) == flops(nn.MaxPool2d(8), image)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12))
def test_windows_against_gradients(size: int, windows: int) -> None:
    # The mean of a window of w elements gives each of them a gradient of 1 / w: where the windows do not overlap and
    # where they do, as many elements are reached as the windows hold together.
    ones = torch.ones(1, 1, size, requires_grad=True)
    reached = 0
    for window in F.adaptive_avg_pool1d(ones, windows)[0, 0]:
        (gradient,) = torch.autograd.grad(window, ones, retain_graph=True)
        reached += int(gradient.count_nonzero())
    assert adaptive_windows([size], [windows]) == reached


def gradients(model: nn.Module, *shape: int) -> Ledger:
    return count(trace(nn.Sequential(nn.Conv1d(2, 2, 1), model), (torch.zeros(shape),), backward=True).backward_pass())


def test_gradients_of_overlapping_windows() -> None:
    # 2 channels; the windows hold 7 elements and their 3 gradients are divided once each (see above). The convolution's
    # gradients take no FLOPs but its bias's 2 · 5 sums.
    assert gradients(nn.AdaptiveAvgPool1d(3), 1, 2, 5).elementwise_flops == 2 * (7 + 3) + 10
    # A maximum's gradient is added where it came from: 2 · 3.
    assert gradients(nn.AdaptiveMaxPool1d(3), 1, 2, 5).elementwise_flops == 2 * 3 + 10


BOXES = torch.tensor([[0.0, 0, 0, 8, 8], [0, 2, 2, 6, 6]])


def test_regions_with_a_sampling_ratio() -> None:
    image = torch.zeros(1, 3, 16, 16)

    def align(x: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = regions.roi_align(x, boxes, 4, sampling_ratio=2)
        return result

    # 2 regions of 3 channels in 4 · 4 bins, each the mean of 2 · 2 bilinear samples: 4 · 7, 3 sums, 1 division.
    assert flops(Function(align), image, BOXES) == 2 * 3 * 16 * (4 * 7 + 3 + 1)

    def by_position(x: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = regions.ps_roi_align(x, boxes, 2, sampling_ratio=3)
        return result

    # 8 channels are 2 for each of 2 · 2 bins; 9 samples in each.
    assert flops(Function(by_position), torch.zeros(1, 8, 16, 16), BOXES) == 2 * 2 * 4 * (9 * 7 + 8 + 1)


@pytest.mark.parametrize("operation", [regions.roi_align, regions.roi_pool, regions.ps_roi_align, regions.ps_roi_pool])
def test_regions_whose_windows_are_values_are_unknown(operation: Callable[..., Any]) -> None:
    # How many elements a window has depends on how large the boxes are, which no shape tells.
    model = Function(lambda x, boxes: operation(x, boxes, 2))
    ledger = count(trace(model, (torch.zeros(1, 8, 16, 16), BOXES)))
    assert ledger.unknown == {f"torchvision.{operation.__name__}": 1}

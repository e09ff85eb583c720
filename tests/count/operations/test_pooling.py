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

import archprof
from archprof.count.ledger import Ledger, count
from archprof.count.operations.pooling import adaptive_windows
from archprof.trace.recorder import DataDependentError
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


REGIONS = [regions.roi_align, regions.roi_pool, regions.ps_roi_align, regions.ps_roi_pool]


def over_regions(operation: Callable[..., Any], bins: int | tuple[int, int] = 2, **settings: Any) -> nn.Module:
    return Function(lambda x, boxes: operation(x, boxes, bins, **settings))


@pytest.mark.parametrize("operation", REGIONS)
def test_regions_whose_windows_are_values_need_them(operation: Callable[..., Any]) -> None:
    # How many elements a window has depends on how large the boxes are, which no shape tells.
    model, inputs = over_regions(operation), (torch.zeros(1, 8, 16, 16), BOXES)
    with pytest.raises(DataDependentError, match="needs the values of its input: torchvision"):
        trace(model, inputs)
    profile = archprof.profile(model, inputs)
    assert (profile.coverage.unknown, profile.totals.elementwise_flops > 0) == ({}, True)


@pytest.mark.parametrize("operation", REGIONS)
def test_no_regions_cost_nothing(operation: Callable[..., Any]) -> None:
    ledger = count(trace(over_regions(operation), (torch.zeros(1, 8, 16, 16), torch.zeros(0, 5))))
    assert (ledger.elementwise_flops, ledger.unknown) == (0, {})


def region_flops(operation: Callable[..., Any], *box: float, **settings: Any) -> int:
    """Of 8 channels of 16 · 16 and a single region, in 2 · 2 bins."""
    inputs = (torch.zeros(1, 8, 16, 16), torch.tensor([[0.0, *box]]))
    return count(trace_values(over_regions(operation, **settings), inputs)).elementwise_flops


def test_regions_of_whole_pixels() -> None:
    # From 0 to 4, both inside: 5 pixels in two windows along each side, of ⌈2.5⌉ and 5 - ⌊2.5⌋, so 3 + 3. A maximum
    # of each window in each of 8 channels, which is not divided.
    assert region_flops(regions.roi_pool, 0, 0, 4, 4) == 8 * 6 * 6
    # From 1 to 8 are 8 pixels in two windows of 4; from 12 to 19 are 8 too, of which 4 are in the image of 16.
    assert region_flops(regions.roi_pool, 1, 12, 8, 19) == 8 * 8 * 4
    # By position the end is outside: 4 pixels, in two windows of 2; 8 channels are 2 for each of 4 bins. 2 · 4 means.
    assert region_flops(regions.ps_roi_pool, 0, 0, 4, 4) == 2 * 4 * 4 + 2 * 4


def test_regions_sampled_as_often_as_they_are_large() -> None:
    # 5 · 3 pixels in 2 · 2 bins: ⌈2.5⌉ · ⌈1.5⌉ = 6 samples in each of 4 bins and 8 channels; 7 FLOPs, and 1 for the sum
    # and the division.
    assert region_flops(regions.roi_align, 1, 1, 6, 4) == 8 * 4 * 6 * (7 + 1)
    assert region_flops(regions.ps_roi_align, 1, 1, 6, 4) == 2 * 4 * 6 * (7 + 1)
    # A region of half a pixel is taken for a whole one where it is not aligned: a sample in each bin either way.
    assert region_flops(regions.roi_align, 1, 1, 1.5, 1.5) == 8 * 4 * (7 + 1)
    # One without width has no samples where it is.
    assert region_flops(regions.roi_align, 1, 1, 1, 4, aligned=True) == 0


COORDINATES = st.floats(-4, 20, allow_nan=False, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(COORDINATES, min_size=4, max_size=4), st.integers(1, 3), st.integers(1, 3), st.sampled_from([1.0, 0.5]))
def test_windows_over_regions_against_torchvision(box: list[float], high: int, wide: int, scale: float) -> None:
    # An element is in a window if torchvision's result is above 0 for an image that has a 1 there and else zeros: all
    # such images are one batch.
    rois, size = torch.tensor([[0.0, *box]]), 6
    single = torch.eye(size * size).view(-1, 1, size, size)
    maxima = regions.roi_pool(single, _for_each(rois, len(single)), (high, wide), scale)
    pooled = over_regions(regions.roi_pool, (high, wide), spatial_scale=scale)
    assert count(trace_values(pooled, (single[:1], rois))).elementwise_flops == int((maxima > 0).sum())
    channels = high * wide
    means = regions.ps_roi_pool(
        single.expand(-1, channels, size, size), _for_each(rois, len(single)), (high, wide), scale
    )
    pooled = over_regions(regions.ps_roi_pool, (high, wide), spatial_scale=scale)
    flops_ = count(trace_values(pooled, (torch.zeros(1, channels, size, size), rois))).elementwise_flops
    assert flops_ == int((means > 0).sum()) + channels


def _for_each(rois: torch.Tensor, images: int) -> torch.Tensor:
    """The same region in each image of a batch."""
    return torch.cat([torch.arange(images)[:, None], rois[:, 1:].expand(images, 4)], 1)


def test_gradients_over_regions() -> None:
    def step(operation: Callable[..., Any]) -> int:
        class Pooled(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.image = nn.Parameter(torch.zeros(1, 8, 16, 16))

            def forward(self, boxes: torch.Tensor) -> Any:
                return operation(self.image, boxes, 2)

        boxes = torch.tensor([[0.0, 1, 1, 6, 4]])
        return count(trace_values(Pooled(), (boxes,), backward=True).backward_pass()).elementwise_flops

    # Each of 8 · 4 maxima's gradients is added where it came from.
    assert step(regions.roi_pool) == 8 * 4
    # 5 · 3 pixels by position: windows of ⌈2.5⌉ and 5 - ⌊2.5⌋, 3 + 3, and of 2 + 2; 2 channels in each of 4 bins, and a
    # division for each of 8 gradients.
    assert step(regions.ps_roi_pool) == 2 * 6 * 4 + 8
    # 6 samples in each bin (above), each with 4 products and 4 sums; a division for each gradient.
    assert step(regions.roi_align) == 8 * (8 * 4 * 6) + 8 * 4
    assert step(regions.ps_roi_align) == 8 * (2 * 4 * 6) + 8

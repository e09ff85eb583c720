"""How many elements the windows of pooling over regions of interest hold, which depends on where the regions lie.

No shape tells it, so that a model with such an operation is run with values, and the operation is written down with
that number. Which elements are in a window is as torchvision's kernels for the CPU have it (torchvision/csrc/ops/cpu,
roi_pool_kernel.cpp and its three neighbours).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

WINDOW_ELEMENTS = "window_elements"
"""The keyword that such an operation is written down with: elements, or samples, of all its windows together."""


def window_elements(operation: Any, args: Sequence[Any]) -> Callable[[], int] | None:
    """What counts the elements of the windows of an operation; None where its shapes tell them, or it has none."""
    count = _counter(operation)
    return count(*args) if count is not None and args[1].numel() else None


@cache
def _counter(operation: Any) -> Callable[..., Callable[[], int] | None] | None:
    return _REGIONS.get(operation.name())


def _pool(image: Tensor, rois: Tensor, scale: float, height: int, width: int) -> Callable[[], int]:
    # The last pixel of a region is in it.
    channels, sides = image.shape[1], image.shape[2:]
    return lambda: channels * _pixels(rois, scale, (height, width), sides, further=1)


def _pool_by_position(image: Tensor, rois: Tensor, scale: float, height: int, width: int) -> Callable[[], int]:
    # The last pixel of a region is not in it, and the image's last row and column are in none.
    channels, sides = image.shape[1] // (height * width), [size - 1 for size in image.shape[2:]]
    return lambda: channels * _pixels(rois, scale, (height, width), sides, further=0)


def _gradient_by_position(
    gradient: Tensor, rois: Tensor, mapping: Tensor, scale: float, height: int, width: int, *sizes: int
) -> Callable[[], int]:
    # Its windows reach to the image's end.
    return lambda: gradient.shape[1] * _pixels(rois, scale, (height, width), sizes[2:], further=0)


def _align(
    image: Tensor, rois: Tensor, scale: float, height: int, width: int, ratio: int, aligned: bool
) -> Callable[[], int] | None:
    least = None if aligned else 1.0
    return None if ratio > 0 else lambda: image.shape[1] * _samples(rois, scale, (height, width), least)


def _align_gradient(
    gradient: Tensor, rois: Tensor, scale: float, height: int, width: int, *settings: Any
) -> Callable[[], int] | None:
    ratio, aligned = settings[4:]
    return _align(gradient, rois, scale, height, width, ratio, aligned)


def _align_by_position(
    image: Tensor, rois: Tensor, scale: float, height: int, width: int, ratio: int
) -> Callable[[], int] | None:
    channels = image.shape[1] // (height * width)
    return None if ratio > 0 else lambda: channels * _samples(rois, scale, (height, width), None)


def _align_by_position_gradient(
    gradient: Tensor, rois: Tensor, mapping: Tensor, scale: float, height: int, width: int, ratio: int, *sizes: int
) -> Callable[[], int] | None:
    return _align(gradient, rois, scale, height, width, ratio, aligned=True)


_REGIONS: dict[str, Callable[..., Callable[[], int] | None]] = {
    "torchvision::roi_pool": _pool,
    "torchvision::ps_roi_pool": _pool_by_position,
    "torchvision::_ps_roi_pool_backward": _gradient_by_position,
    "torchvision::roi_align": _align,
    "torchvision::_roi_align_backward": _align_gradient,
    "torchvision::ps_roi_align": _align_by_position,
    "torchvision::_ps_roi_align_backward": _align_by_position_gradient,
}


def _pixels(rois: Tensor, scale: float, bins: Sequence[int], sides: Sequence[int], *, further: int) -> int:
    """Pixels in the bins of all regions, for each channel.

    Args:
        rois: Regions × 5: the image, then left, top, right and bottom.
        scale: Pixels of the map for each of the regions' units.
        bins: Windows along height and width.
        sides: Where the windows are cut off at the latest, along height and width.
        further: Pixels that a region has beyond the difference of its ends.
    """
    ends = rois[:, 1:] * scale
    ends = ends.sign() * (ends.abs() + 0.5).floor()  # halves away from zero, as C++ rounds
    total = torch.ones(len(rois), dtype=torch.int64)
    for count, side, low, high in zip(bins, sides, (ends[:, 1], ends[:, 0]), (ends[:, 3], ends[:, 2]), strict=True):
        step = (high - low + further).clamp(min=1) / count
        index = torch.arange(count, dtype=step.dtype)
        begin = ((index * step[:, None]).floor() + low[:, None]).clamp(0, side)
        end = (((index + 1) * step[:, None]).ceil() + low[:, None]).clamp(0, side)
        total *= (end - begin).clamp(min=0).sum(1).long()
    return int(total.sum())


def _samples(rois: Tensor, scale: float, bins: Sequence[int], least: float | None) -> int:
    """Samples in the bins of all regions, for each channel: as many in a bin as it is pixels high and wide, rounded up.

    Args:
        rois: As for :func:`_pixels`.
        scale: As there.
        bins: As there.
        least: The size that smaller regions are taken to have.
    """
    ends = rois[:, 1:] * scale
    total = torch.ones(len(rois), dtype=torch.int64)
    for count, size in zip(bins, (ends[:, 3] - ends[:, 1], ends[:, 2] - ends[:, 0]), strict=True):
        sized = size if least is None else size.clamp(min=least)
        total *= count * (sized / count).ceil().clamp(min=0).long()
    return int(total.sum())

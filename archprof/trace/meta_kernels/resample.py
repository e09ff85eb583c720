"""Results on meta of what changes an image's size: pooling and upsampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import each
from archprof.trace.meta_kernels.layout import empty, ordered
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def _is_image(tensor: Tensor) -> bool:
    """Whether it is (N, C, H, W) of floats, with elements and in memory in that order."""
    return tensor.ndim == 4 and tensor.dtype.is_floating_point and ordered(tensor) and min(tensor.shape) >= 1


@meta_kernel(
    aten.upsample_nearest2d.default,
    aten.upsample_bilinear2d.default,
    aten.upsample_bicubic2d.default,
    aten._upsample_nearest_exact2d.default,
)
def _upsample(input_: Tensor, output_size: Sequence[int], *rest: Any) -> Any:
    if not _is_image(input_) or len(output_size) != 2 or min(output_size) < 1:
        return None
    return empty((*input_.shape[:2], *output_size), input_.dtype)


def _pooled(
    input_: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> tuple[int, ...] | None:
    """The shape that a 2d pooling gives, or None where it takes thought (rounding up) or fails."""
    if ceil_mode or not _is_image(input_):
        return None
    widths, steps, pads, spread = each(kernel, 2), each(stride or kernel, 2), each(padding, 2), each(dilation, 2)
    if widths is None or steps is None or pads is None or spread is None or min(*widths, *steps, *spread) < 1:
        return None
    size = [(input_.shape[2 + i] + 2 * pads[i] - spread[i] * (widths[i] - 1) - 1) // steps[i] + 1 for i in range(2)]
    fits = min(size) >= 1 and all(0 <= 2 * pad <= width for pad, width in zip(pads, widths, strict=True))
    return (*input_.shape[:2], *size) if fits else None


@meta_kernel(aten.max_pool2d_with_indices.default)
def _max_pool(
    input_: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> Any:
    shape = _pooled(input_, kernel, stride, padding, dilation, ceil_mode)
    return shape and (empty(shape, input_.dtype), empty(shape, torch.int64))


@meta_kernel(aten.avg_pool2d.default)
def _average_pool(
    input_: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Any:
    shape = None if divisor == 0 else _pooled(input_, kernel, stride, padding, (1,), ceil_mode)
    return shape and empty(shape, input_.dtype)


@meta_kernel(aten._adaptive_avg_pool2d.default)
def _adaptive_average_pool(input_: Tensor, output_size: Sequence[int]) -> Any:
    if not _is_image(input_) or len(output_size) != 2 or min(output_size) < 1:
        return None
    return empty((*input_.shape[:2], *output_size), input_.dtype)

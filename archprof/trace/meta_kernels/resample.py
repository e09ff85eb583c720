"""Results on meta of what changes an image's size: pooling and upsampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.convolution import each
from archprof.trace.meta_kernels.layout import empty, ordered
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@meta_kernel(
    aten.upsample_nearest2d.default,
    aten.upsample_bilinear2d.default,
    aten.upsample_bicubic2d.default,
    aten._upsample_nearest_exact2d.default,
)
def _upsample(input_: Tensor, output_size: Sequence[int], *rest: Any) -> Any:
    if not ordered(input_) or input_.ndim != 4 or not input_.dtype.is_floating_point or min(output_size) < 1:
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
    if input_.ndim != 4 or not ordered(input_) or ceil_mode or not input_.dtype.is_floating_point:
        return None
    kernel, padding, dilation = each(kernel, 2), each(padding, 2), each(dilation, 2)
    stride = each(stride, 2) if stride else kernel
    size = [
        (input_.shape[2 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(2)
    ]
    fits = min(size) >= 1 and all(2 * pad <= width for pad, width in zip(padding, kernel, strict=True))
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
    shape = _pooled(input_, kernel, stride, padding, (1,), ceil_mode)
    return shape and empty(shape, input_.dtype)


@meta_kernel(aten._adaptive_avg_pool2d.default)
def _adaptive_average_pool(input_: Tensor, output_size: Sequence[int]) -> Any:
    if input_.ndim != 4 or not ordered(input_) or min(output_size) < 1:
        return None
    return empty((*input_.shape[:2], *output_size), input_.dtype)

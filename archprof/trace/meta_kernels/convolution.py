"""Results on meta of convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import each, is_vector
from archprof.trace.meta_kernels.layout import channels_last, empty, ordered
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from torch import Tensor


@meta_kernel(aten.convolution.default)
def _convolution(
    input_: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Any:
    sizes, kernels, dtype = input_.shape, weight.shape, input_.dtype
    rank = len(sizes) - 2
    if rank not in (1, 2, 3) or len(kernels) != len(sizes) or dtype != weight.dtype or not dtype.is_floating_point:
        return None
    last = channels_last(input_)
    if rank == 1 and sizes[2] == 1:
        return None  # torch takes it for an image, whose channels may be the fastest in memory
    if not weight.is_contiguous() or (last and (transposed or rank != 2)) or not (last or ordered(input_)):
        return None
    steps, pads, spread = each(stride, rank), each(padding, rank), each(dilation, rank)
    if steps is None or pads is None or spread is None or min(*steps, *spread, *sizes, *kernels, groups) < 1:
        return None
    if min(pads) < 0:
        return None
    reach = [spread[i] * (kernels[2 + i] - 1) for i in range(rank)]
    if transposed:
        extra = each(output_padding, rank)
        if extra is None or any(not 0 <= extra[i] < max(steps[i], spread[i]) for i in range(rank)):
            return None
        channels = kernels[1] * groups
        fits = kernels[0] == sizes[1] and sizes[1] % groups == 0
        size = [(sizes[2 + i] - 1) * steps[i] - 2 * pads[i] + reach[i] + extra[i] + 1 for i in range(rank)]
    else:
        channels = kernels[0]
        fits = kernels[1] * groups == sizes[1] and channels % groups == 0
        size = [(sizes[2 + i] + 2 * pads[i] - reach[i] - 1) // steps[i] + 1 for i in range(rank)]
    if not fits or min(size) < 1 or not is_vector(bias, channels, dtype):
        return None  # torch says what is wrong
    result = empty((sizes[0], channels, *size), dtype)
    return result.to(memory_format=torch.channels_last) if last else result

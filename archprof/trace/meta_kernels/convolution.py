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
    extra = each(output_padding, rank) if transposed else _NO_PADDING[:rank]
    if steps is None or pads is None or spread is None or extra is None:
        return None
    if sizes[0] < 1 or sizes[1] < 1 or kernels[0] < 1 or kernels[1] < 1 or groups < 1:
        return None
    shape = [sizes[0], kernels[1] * groups if transposed else kernels[0]]
    for size, kernel, step, pad, gap, more in zip(sizes[2:], kernels[2:], steps, pads, spread, extra, strict=True):
        if size < 1 or kernel < 1 or step < 1 or gap < 1 or pad < 0:
            return None
        reach = gap * (kernel - 1)
        if not transposed:
            result = (size + 2 * pad - reach - 1) // step + 1
        elif 0 <= more < max(step, gap):
            result = (size - 1) * step - 2 * pad + reach + more + 1
        else:
            return None
        if result < 1:
            return None
        shape.append(result)
    if transposed:
        fits = kernels[0] == sizes[1] and sizes[1] % groups == 0
    else:
        fits = kernels[1] * groups == sizes[1] and kernels[0] % groups == 0
    if not fits or not is_vector(bias, shape[1], dtype):
        return None  # torch says what is wrong
    output = empty(shape, dtype)
    return output.to(memory_format=torch.channels_last) if last else output


_NO_PADDING = (0, 0, 0)

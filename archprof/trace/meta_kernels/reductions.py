"""Results on meta of reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import in_range
from archprof.trace.meta_kernels.layout import empty
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


_MOST_DIMENSIONS = 64
"""Of a tensor that torch reduces."""


@meta_kernel(aten.mean.dim, aten.sum.dim_IntList, aten.amax.default, aten.amin.default)
def _reduction(
    input_: Tensor, dims: Sequence[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Any:
    shape, rank = input_.shape, input_.ndim
    if not dims or dtype or not input_.dtype.is_floating_point or not input_.numel():
        return None
    if rank > _MOST_DIMENSIONS or not all(in_range(dim, rank) for dim in dims):
        return None
    gone = {dim % rank for dim in dims}
    if len(gone) != len(dims):
        return None
    sizes = [1 if i in gone else size for i, size in enumerate(shape) if keepdim or i not in gone]
    return empty(sizes, input_.dtype)


@meta_kernel(aten.all.dim, aten.any.dim)
def _reduction_of_a_mask(mask: Tensor, dim: int, keepdim: bool = False) -> Any:
    if mask.dtype != torch.bool or not in_range(dim, mask.ndim):
        return None
    dim %= mask.ndim
    sizes = [*mask.shape[:dim], *([1] if keepdim else []), *mask.shape[dim + 1 :]]
    return empty(sizes, torch.bool)

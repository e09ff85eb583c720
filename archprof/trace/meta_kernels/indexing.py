"""Results on meta of what picks or moves elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import in_range
from archprof.trace.meta_kernels.layout import empty
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@meta_kernel(aten.roll.default)
def _roll(input_: Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> Any:
    fits = len(shifts) == (len(dims) or 1) and all(in_range(dim, input_.ndim) for dim in dims)
    return empty(input_.shape, input_.dtype) if fits else None


@meta_kernel(aten.tril.default, aten.triu.default)
def _triangle(input_: Tensor, diagonal: int = 0) -> Any:
    return empty(input_.shape, input_.dtype) if input_.ndim >= 2 else None


@meta_kernel(aten.grid_sampler_2d.default)
def _grid_sampler(input_: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool) -> Any:
    sizes, grid_sizes = input_.shape, grid.shape
    if len(sizes) != 4 or len(grid_sizes) != 4 or sizes[0] != grid_sizes[0] or grid_sizes[3] != 2 or min(sizes[1:]) < 1:
        return None
    if input_.dtype != grid.dtype or not input_.dtype.is_floating_point:
        return None
    return empty((*sizes[:2], *grid_sizes[1:3]), input_.dtype)


@meta_kernel(aten.embedding.default)
def _embedding(weight: Tensor, indices: Tensor, *parameters: Any) -> Any:
    if weight.ndim != 2 or not weight.shape[0] or indices.dtype not in (torch.int64, torch.int32):
        return None
    return empty((*indices.shape, weight.shape[1]), weight.dtype)


@meta_kernel(aten.index.Tensor)
def _index(input_: Tensor, indices: Sequence[Tensor | None]) -> Any:
    if len(indices) != 1 or not input_.is_contiguous() or not input_.ndim or not input_.numel():
        return None
    rows = indices[0]
    if rows is None or rows.dtype != torch.int64 or not rows.is_contiguous():
        return None
    return empty((*rows.shape, *input_.shape[1:]), input_.dtype)

"""Results on meta of what picks elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.layout import empty
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@meta_kernel(aten.roll.default, aten.tril.default, aten.triu.default)
def _contiguous(input_: Tensor, *parameters: Any) -> Any:
    return empty(input_.shape, input_.dtype)


@meta_kernel(aten.grid_sampler_2d.default)
def _grid_sampler(input_: Tensor, grid: Tensor, *parameters: Any) -> Any:
    if input_.ndim != 4 or grid.ndim != 4 or input_.shape[0] != grid.shape[0] or input_.dtype != grid.dtype:
        return None
    return empty((*input_.shape[:2], *grid.shape[1:3]), input_.dtype)


@meta_kernel(aten.embedding.default)
def _embedding(weight: Tensor, indices: Tensor, *parameters: Any) -> Any:
    return empty((*indices.shape, weight.shape[1]), weight.dtype) if weight.ndim == 2 else None


@meta_kernel(aten.index.Tensor)
def _index(input_: Tensor, indices: Sequence[Tensor | None]) -> Any:
    if len(indices) != 1 or not input_.is_contiguous() or not input_.ndim:
        return None
    rows = indices[0]
    if rows is None or rows.dtype != torch.int64 or not rows.is_contiguous():
        return None
    return empty((*rows.shape, *input_.shape[1:]), input_.dtype)

"""Results on meta of what joins tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.trace.meta_kernels.arguments import in_range
from archprof.trace.meta_kernels.layout import channels_last, empty
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@meta_kernel(aten.cat.default)
def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    if not tensors:
        return None
    dtype, shapes = tensors[0].dtype, [tuple(tensor.shape) for tensor in tensors]
    rank = len(shapes[0])
    if not in_range(dim, rank) or any(tensor.dtype != dtype for tensor in tensors):
        return None
    dim %= rank
    before, after = shapes[0][:dim], shapes[0][dim + 1 :]
    if any(len(shape) != rank or shape[:dim] != before or shape[dim + 1 :] != after for shape in shapes):
        return None
    if all(channels_last(tensor) for tensor in tensors):
        return None
    return empty((*before, sum([shape[dim] for shape in shapes]), *after), dtype)


@meta_kernel(aten.stack.default)
def _stack(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    if not tensors:
        return None
    first = tensors[0]
    if any(tensor.shape != first.shape or tensor.dtype != first.dtype for tensor in tensors):
        return None
    if first.ndim > 2 and not all(
        tensor.is_contiguous() and tensor.stride(-1) == 1 != tensor.stride(1) for tensor in tensors
    ):
        return None
    if not in_range(dim, first.ndim + 1):
        return None
    dim %= first.ndim + 1
    return empty((*first.shape[:dim], len(tensors), *first.shape[dim:]), first.dtype)

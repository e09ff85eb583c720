"""Results on meta of matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import is_vector, real
from archprof.trace.meta_kernels.layout import empty
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from torch import Tensor


def _same_floats(left: Tensor, right: Tensor) -> bool:
    return left.dtype == right.dtype and left.dtype.is_floating_point


@meta_kernel(aten.mm.default)
def _mm(left: Tensor, right: Tensor) -> Any:
    left_sizes, right_sizes = left.shape, right.shape
    if (
        len(left_sizes) != 2
        or len(right_sizes) != 2
        or left_sizes[1] != right_sizes[0]
        or not _same_floats(left, right)
    ):
        return None
    return empty((left_sizes[0], right_sizes[1]), left.dtype)


@meta_kernel(aten.addmm.default)
def _addmm(bias: Tensor, left: Tensor, right: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(left, right)
    if product is None or not real(beta, alpha):
        return None
    return product if is_vector(bias, product.shape[1], product.dtype) else None


@meta_kernel(aten.bmm.default)
def _bmm(left: Tensor, right: Tensor) -> Any:
    if left.ndim != 3 or right.ndim != 3 or not _same_floats(left, right):
        return None
    if left.shape[0] != right.shape[0] or left.shape[2] != right.shape[1]:
        return None
    return empty((left.shape[0], left.shape[1], right.shape[2]), left.dtype)


@meta_kernel(*([aten._grouped_mm.default] if hasattr(aten, "_grouped_mm") else []))  # torch 2.8
def _grouped_mm(
    left: Tensor, right: Tensor, offs: Tensor | None = None, bias: Tensor | None = None, out_dtype: Any = None
) -> Any:
    # Some releases of torch refuse float32 on meta alone. Rows of whole 16 bytes are what no device pads.
    if (left.ndim, right.ndim) != (2, 3) or left.dtype != right.dtype or bias is not None or out_dtype is not None:
        return None
    (rows, deep), (groups, also_deep, wide) = left.shape, right.shape
    if offs is None or offs.shape != (groups,) or offs.dtype != torch.int32 or deep != also_deep:
        return None
    if left.dtype not in (torch.float32, torch.bfloat16, torch.float16) or not left.is_contiguous():
        return None
    if (deep * left.dtype.itemsize) % 16 or (wide * left.dtype.itemsize) % 16 or not right.is_contiguous():
        return None
    return empty([rows, wide], left.dtype)

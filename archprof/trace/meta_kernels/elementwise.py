"""Results on meta of functions of each element of one or two tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.layout import broadcast, elementwise, empty, ordered
from archprof.trace.meta_kernels.registry import META_KERNELS, aten, meta_kernel

if TYPE_CHECKING:
    from torch import Tensor


_UNARY = """
    abs acos asin atan ceil cos cosh elu erf exp exp2 expm1 floor gelu hardsigmoid hardswish hardtanh leaky_relu log
    log10 log1p log2 mish neg reciprocal relu relu6 round rsqrt selu sigmoid silu sin sinh softplus sqrt square tan tanh
    celu hardshrink softshrink
"""


def _unary(tensor: Tensor, *parameters: Any, **keywords: Any) -> Any:
    return elementwise(tensor.shape, tensor) if tensor.dtype.is_floating_point else None


def _in_place(tensor: Tensor, *parameters: Any, **keywords: Any) -> Any:
    return tensor if tensor.dtype.is_floating_point else None


for _name in _UNARY.split():
    META_KERNELS[getattr(aten, _name).default] = _unary
    if hasattr(aten, _name + "_"):
        META_KERNELS[getattr(aten, _name + "_").default] = _in_place
META_KERNELS[aten.clamp.default] = _unary
META_KERNELS[aten.clamp_min.default] = _unary
META_KERNELS[aten.clamp_max.default] = _unary
META_KERNELS[aten.pow.Tensor_Scalar] = _unary
for _name in ("add", "sub", "mul", "div", "rsub"):
    META_KERNELS[getattr(aten, _name).Scalar] = _unary


@meta_kernel(*(getattr(aten, name).Scalar for name in ("eq", "ne", "lt", "le", "gt", "ge")))
def _comparison(tensor: Tensor, number: Any) -> Any:
    return elementwise(tensor.shape, tensor, dtype=torch.bool)


@meta_kernel(aten.pow.Scalar)
def _power_of_a_number(base: Any, exponent: Tensor) -> Any:
    return _unary(exponent) if ordered(exponent) and not isinstance(base, complex) else None


@meta_kernel(
    aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.maximum.default, aten.minimum.default
)
def _binary(left: Any, right: Any, *, alpha: Any = 1) -> Any:
    if not isinstance(right, torch.Tensor):
        return None if isinstance(right, complex) else _unary(left)
    if not isinstance(left, torch.Tensor):
        return None
    dtypes = {left.dtype, right.dtype} - {torch.bool}  # a mask becomes numbers
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if dtype is None or not dtype.is_floating_point:
        return None
    if left.shape == right.shape:
        return elementwise(left.shape, left, right, dtype=dtype)
    shape = broadcast(left, right)
    return None if shape is None else elementwise(shape, left, right, dtype=dtype)


@meta_kernel(aten.bitwise_not.default, aten.logical_not.default)
def _of_a_mask(mask: Tensor) -> Any:
    return elementwise(mask.shape, mask) if mask.dtype == torch.bool else None


@meta_kernel(aten.bitwise_and.Tensor, aten.bitwise_or.Tensor, aten.logical_and.default, aten.logical_or.default)
def _of_two_masks(left: Tensor, right: Tensor) -> Any:
    shape = broadcast(left, right)
    both = left.dtype == right.dtype == torch.bool
    return elementwise(shape, left, right) if shape is not None and both else None


@meta_kernel(aten.masked_fill.Scalar)
def _masked_fill(tensor: Tensor, mask: Tensor, value: Any) -> Any:
    shape = broadcast(tensor, mask)
    return empty(shape, tensor.dtype) if shape == list(tensor.shape) and tensor.is_contiguous() else None


@meta_kernel(aten.where.self)
def _where(condition: Tensor, left: Tensor, right: Tensor) -> Any:
    shape = broadcast(condition, left, right)
    if shape is None or left.dtype != right.dtype or condition.dtype != torch.bool:
        return None
    return elementwise(shape, condition, left, right, dtype=left.dtype)


@meta_kernel(aten.add_.Tensor, aten.sub_.Tensor, aten.mul_.Tensor, aten.div_.Tensor)
def _binary_in_place(left: Tensor, right: Any, *, alpha: Any = 1) -> Any:
    result = _binary(left, right, alpha=alpha)
    return left if result is not None and result.shape == left.shape and result.dtype == left.dtype else None

"""Results on meta of functions of each element of one or two tensors."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import overlaps_in_part, overlaps_itself, real, representable
from archprof.trace.meta_kernels.layout import broadcast, elementwise, ordered
from archprof.trace.meta_kernels.registry import META_KERNELS, aten, meta_kernel

if TYPE_CHECKING:
    from torch import Tensor

_UNARY = """
    abs acos asin atan ceil cos cosh erf exp exp2 expm1 floor hardsigmoid hardswish log log10 log1p log2 mish neg
    reciprocal relu relu6 round rsqrt selu sigmoid silu sin sinh sqrt square tan tanh
"""
_WITH_NUMBERS = "elu hardtanh leaky_relu softplus hardshrink"


def _unary(tensor: Tensor) -> Any:
    return elementwise(tensor.shape, tensor) if tensor.dtype.is_floating_point else None


def _unary_in_place(tensor: Tensor) -> Any:
    return tensor if tensor.dtype.is_floating_point and not overlaps_itself(tensor) else None


def _with_numbers(tensor: Tensor, *numbers: Any) -> Any:
    return _unary(tensor) if representable(tensor.dtype, *numbers) else None


def _with_numbers_in_place(tensor: Tensor, *numbers: Any) -> Any:
    return _unary_in_place(tensor) if representable(tensor.dtype, *numbers) else None


for _names, _kernel, _kernel_in_place in (
    (_UNARY, _unary, _unary_in_place),
    (_WITH_NUMBERS, _with_numbers, _with_numbers_in_place),
):
    for _name in _names.split():
        META_KERNELS[getattr(aten, _name).default] = _kernel
        if hasattr(aten, _name + "_"):
            META_KERNELS[getattr(aten, _name + "_").default] = _kernel_in_place


@meta_kernel(aten.gelu.default)
def _gelu(tensor: Tensor, *, approximate: str = "none") -> Any:
    return _unary(tensor) if approximate in ("none", "tanh") else None


@meta_kernel(aten.gelu_.default)
def _gelu_in_place(tensor: Tensor, *, approximate: str = "none") -> Any:
    return _unary_in_place(tensor) if approximate in ("none", "tanh") else None


@meta_kernel(aten.celu.default)
def _celu(tensor: Tensor, alpha: Any = 1.0) -> Any:
    return _with_numbers(tensor, alpha) if alpha else None


@meta_kernel(aten.celu_.default)
def _celu_in_place(tensor: Tensor, alpha: Any = 1.0) -> Any:
    return _with_numbers_in_place(tensor, alpha) if alpha else None


@meta_kernel(aten.softshrink.default)
def _softshrink(tensor: Tensor, threshold: Any = 0.5) -> Any:
    return _unary(tensor) if real(threshold) and 0 <= threshold < inf else None


@meta_kernel(aten.clamp.default)
def _clamp(tensor: Tensor, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - torch's own names
    bounds = [bound for bound in (min, max) if bound is not None]
    return _with_numbers(tensor, *bounds) if bounds else None


@meta_kernel(aten.clamp_min.default, aten.clamp_max.default)
def _bound(tensor: Tensor, number: Any) -> Any:
    return _with_numbers(tensor, number)


@meta_kernel(aten.pow.Tensor_Scalar)
def _power(tensor: Tensor, number: Any) -> Any:
    return _unary(tensor) if real(number) else None


@meta_kernel(aten.mul.Scalar, aten.div.Scalar)
def _with_a_number(tensor: Tensor, number: Any) -> Any:
    if not real(number) or not tensor.dtype.is_floating_point:
        return None
    return elementwise(tensor.shape, tensor, with_number=True)


@meta_kernel(aten.add.Scalar, aten.sub.Scalar, aten.rsub.Scalar)
def _sum_with_a_number(tensor: Tensor, number: Any, alpha: Any = 1) -> Any:
    return _with_a_number(tensor, number) if real(alpha) else None


@meta_kernel(*(getattr(aten, name).Scalar for name in ("eq", "ne", "lt", "le", "gt", "ge")))
def _comparison(tensor: Tensor, number: Any) -> Any:
    if not real(number) or not (tensor.dtype.is_floating_point or tensor.dtype == torch.int64):
        return None
    if type(number) is int and abs(number) >= 1 << 63:
        return None
    return elementwise(tensor.shape, tensor, dtype=torch.bool, with_number=True)


@meta_kernel(aten.pow.Scalar)
def _power_of_a_number(base: Any, exponent: Tensor) -> Any:
    return _unary(exponent) if ordered(exponent) and real(base) else None


@meta_kernel(aten.mul.Tensor, aten.div.Tensor, aten.maximum.default, aten.minimum.default)
def _binary(left: Any, right: Any) -> Any:
    if not isinstance(right, torch.Tensor):
        return _with_a_number(left, right)
    dtypes = {left.dtype, right.dtype} - {torch.bool}  # a mask becomes numbers
    dtype = dtypes.pop() if len(dtypes) == 1 else None
    if dtype is None or not dtype.is_floating_point:
        return None
    if left.shape == right.shape:
        return elementwise(left.shape, left, right, dtype=dtype)
    shape = broadcast(left, right)
    return None if shape is None else elementwise(shape, left, right, dtype=dtype)


@meta_kernel(aten.add.Tensor)
def _sum(left: Any, right: Any, *, alpha: Any = 1) -> Any:
    return _binary(left, right) if real(alpha) else None


@meta_kernel(aten.sub.Tensor)
def _difference(left: Any, right: Any, *, alpha: Any = 1) -> Any:
    if left.dtype == torch.bool or (isinstance(right, torch.Tensor) and right.dtype == torch.bool):
        return None  # torch subtracts no masks
    return _binary(left, right) if real(alpha) else None


@meta_kernel(aten.mul_.Tensor, aten.div_.Tensor)
def _binary_in_place(left: Tensor, right: Any) -> Any:
    return _written(_binary(left, right), left, right)


@meta_kernel(aten.add_.Tensor)
def _sum_in_place(left: Tensor, right: Any, *, alpha: Any = 1) -> Any:
    return _written(_sum(left, right, alpha=alpha), left, right)


@meta_kernel(aten.sub_.Tensor)
def _difference_in_place(left: Tensor, right: Any, *, alpha: Any = 1) -> Any:
    return _written(_difference(left, right, alpha=alpha), left, right)


def _written(result: Tensor | None, left: Tensor, right: Any) -> Tensor | None:
    """The tensor that takes a result in, where it can."""
    if result is None or result.shape != left.shape or result.dtype != left.dtype or overlaps_itself(left):
        return None
    return None if isinstance(right, torch.Tensor) and overlaps_in_part(left, right) else left


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
    if mask.dtype != torch.bool or not tensor.is_contiguous() or not representable(tensor.dtype, value):
        return None
    return _unary(tensor) if broadcast(tensor, mask) == list(tensor.shape) else None


@meta_kernel(aten.where.self)
def _where(condition: Tensor, left: Tensor, right: Tensor) -> Any:
    shape = broadcast(condition, left, right)
    if shape is None or left.dtype != right.dtype or condition.dtype != torch.bool:
        return None
    return elementwise(shape, condition, left, right, dtype=left.dtype)

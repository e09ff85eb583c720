"""Results on meta of normalisation and softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import in_range, is_vector
from archprof.trace.meta_kernels.layout import channels_last, empty, ordered
from archprof.trace.meta_kernels.registry import aten, meta_kernel

if TYPE_CHECKING:
    from torch import Tensor


@meta_kernel(aten.native_batch_norm.default)
def _batch_norm(
    input_: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    if training or mean is None or variance is None:
        return None
    result = normalised(input_, weight, bias, mean, variance)
    return None if result is None else (result, empty((0,), input_.dtype), empty((0,), input_.dtype))


def normalised(input_: Tensor, *parameters: Tensor | None) -> Tensor | None:
    """What batch normalisation gives in evaluation, without the statistics, which are empty there.

    Args:
        input_: (N, C, *spatial).
        parameters: Vectors of C elements: weight, bias, mean and variance.
    """
    shape, dtype = input_.shape, input_.dtype
    if len(shape) < 2 or not dtype.is_floating_point:
        return None
    for parameter in parameters:
        if not is_vector(parameter, shape[1], dtype):
            return None
    return laid_out_as(input_)


def laid_out_as(input_: Tensor) -> Tensor | None:
    """A tensor of the same shape, contiguous or with its channels last as the other; None where that is neither."""
    shape, dtype = input_.shape, input_.dtype
    if len(shape) == 4 and channels_last(input_):
        return empty(shape, dtype).to(memory_format=torch.channels_last)
    return empty(shape, dtype) if ordered(input_) else None


@meta_kernel(aten.native_layer_norm.default)
def _layer_norm(input_: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    outer_dims, normalised = input_.ndim - len(shape), tuple(shape)
    if not shape or outer_dims < 0 or tuple(input_.shape[outer_dims:]) != normalised or input_.dtype != torch.float32:
        return None
    for parameter in (weight, bias):
        if parameter is not None and (parameter.shape != normalised or parameter.dtype != torch.float32):
            return None
    statistics = (*input_.shape[:outer_dims], *[1] * len(shape))
    return empty(input_.shape, input_.dtype), empty(statistics, input_.dtype), empty(statistics, input_.dtype)


@meta_kernel(aten.native_group_norm.default)
def _group_norm(
    input_: Tensor, weight: Tensor | None, bias: Tensor | None, n: int, c: int, hw: int, groups: int, eps: float
) -> Any:
    if not input_.is_contiguous() or input_.dtype != torch.float32 or input_.ndim < 2 or groups < 1 or c % groups:
        return None
    if tuple(input_.shape[:2]) != (n, c) or input_.numel() != n * c * hw or not input_.numel():
        return None
    if not (is_vector(weight, c, input_.dtype) and is_vector(bias, c, input_.dtype)):
        return None
    return empty(input_.shape, input_.dtype), empty((n, groups), input_.dtype), empty((n, groups), input_.dtype)


@meta_kernel(aten._safe_softmax.default)
def _safe_softmax(input_: Tensor, dim: int, dtype: torch.dtype | None = None) -> Any:
    return None if dtype else _softmax(input_, dim, False)


@meta_kernel(aten._softmax.default, aten._log_softmax.default)
def _softmax(input_: Tensor, dim: int, half_to_float: bool) -> Any:
    if half_to_float or not input_.dtype.is_floating_point or not in_range(dim, input_.ndim):
        return None
    return empty(input_.shape, input_.dtype)

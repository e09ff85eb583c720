"""Results on meta of normalisation and softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

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
    result = None if training else normalised(input_, mean)
    return None if result is None else (result, empty((0,), input_.dtype), empty((0,), input_.dtype))


def normalised(input_: Tensor, mean: Tensor | None) -> Tensor | None:
    """What batch normalisation gives in evaluation, without the statistics, which are empty there."""
    shape = input_.shape
    if mean is not None and mean.shape[0] != shape[1]:
        return None
    if len(shape) == 4 and channels_last(input_):
        return empty(shape, input_.dtype).to(memory_format=torch.channels_last)
    return empty(shape, input_.dtype) if ordered(input_) else None


@meta_kernel(aten.native_layer_norm.default)
def _layer_norm(input_: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    kept = input_.ndim - len(shape)
    if list(input_.shape[kept:]) != list(shape) or input_.dtype != torch.float32:
        return None
    statistics = (*input_.shape[:kept], *[1] * len(shape))
    return empty(input_.shape, input_.dtype), empty(statistics, input_.dtype), empty(statistics, input_.dtype)


@meta_kernel(aten.native_group_norm.default)
def _group_norm(
    input_: Tensor, weight: Tensor | None, bias: Tensor | None, n: int, c: int, hw: int, groups: int, eps: float
) -> Any:
    if not input_.is_contiguous() or input_.dtype != torch.float32 or input_.numel() != n * c * hw:
        return None
    return empty(input_.shape, input_.dtype), empty((n, groups), input_.dtype), empty((n, groups), input_.dtype)


@meta_kernel(aten._safe_softmax.default)
def _safe_softmax(input_: Tensor, dim: int, dtype: torch.dtype | None = None) -> Any:
    return None if dtype else empty(input_.shape, input_.dtype)


@meta_kernel(aten._softmax.default, aten._log_softmax.default)
def _softmax(input_: Tensor, dim: int, half_to_float: bool) -> Any:
    return empty(input_.shape, input_.dtype) if not half_to_float else None

"""Where torch's own meta kernels give other results than its CPU kernels.

A rule that is not sure leaves an operation to torch's meta kernel, and with the rules switched off all are left to it.
What stands here is put right all the same, so that a trace is the CPU's either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.arguments import REDUCED
from archprof.trace.meta_kernels.layout import channels_last, empty
from archprof.trace.meta_kernels.registry import as_on_cpu, aten
from archprof.trace.meta_kernels.requirements import need

if TYPE_CHECKING:
    from torch import Tensor

_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def _as_image(tensor: Tensor, *sources: Tensor) -> Tensor:
    """A result laid out as the images that it is made of: with channels last, or contiguous."""
    last = tensor.ndim in _LAST and any(channels_last(source) for source in sources if source.ndim == tensor.ndim)
    result = empty(tensor.shape, tensor.dtype)
    return result.to(memory_format=_LAST[tensor.ndim]) if last else result


@as_on_cpu(aten.convolution.default)
def _convolution(input_: Tensor, weight: Tensor, *parameters: Any) -> Any:
    result = aten.convolution.default(input_, weight, *parameters)
    transposed, sizes = parameters[4], list(result.shape[2:])
    need(not transposed or all(sizes), f"Calculated output size per channel: {sizes}. Output size is too small")
    return _as_image(result, input_, weight)


@as_on_cpu(aten.native_batch_norm.default)
def _batch_norm(input_: Tensor, weight: Tensor | None, bias: Tensor | None, *parameters: Any) -> Any:
    result, *statistics = aten.native_batch_norm.default(input_, weight, bias, *parameters)
    training, dtype = parameters[2], _statistics_type(input_, weight, bias)
    shape = statistics[0].shape if training else (0,)
    return _as_image(result, input_), empty(shape, dtype), empty(shape, dtype)


@as_on_cpu(aten.native_layer_norm.default)
def _layer_norm(input_: Tensor, shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float) -> Any:
    result, *statistics = aten.native_layer_norm.default(input_, shape, weight, bias, eps)
    dtype = _statistics_type(input_, weight, bias)
    return empty(result.shape, result.dtype), *[empty(tensor.shape, dtype) for tensor in statistics]


@as_on_cpu(aten.native_group_norm.default)
def _group_norm(input_: Tensor, weight: Tensor | None, bias: Tensor | None, *parameters: Any) -> Any:
    result, *statistics = aten.native_group_norm.default(input_, weight, bias, *parameters)
    dtype = _statistics_type(input_, weight, bias)
    return _as_image(result, input_), *[empty(tensor.shape, dtype) for tensor in statistics]


def _statistics_type(input_: Tensor, *parameters: Tensor | None) -> torch.dtype:
    """That of means and deviations: the parameters' where they are wider than the input's."""
    wider = any(parameter is not None and parameter.dtype != input_.dtype for parameter in parameters)
    return torch.float32 if input_.dtype in REDUCED and wider else input_.dtype


@as_on_cpu(aten.where.self)
def _where(condition: Tensor, left: Tensor, right: Tensor) -> Any:
    if condition.dtype == torch.uint8:  # deprecated, and still taken
        condition = empty(condition.shape, torch.bool)
    return aten.where.self(condition, left, right)


@as_on_cpu(aten.pixel_unshuffle.default)
def _pixel_unshuffle(tensor: Tensor, factor: int) -> Any:
    # Of what has no elements the CPU keeps the shape.
    return aten.pixel_unshuffle.default(tensor, factor) if tensor.numel() else empty(tensor.shape, tensor.dtype)

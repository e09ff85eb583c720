"""Where torch's own meta kernels answer otherwise than its CPU kernels.

A rule that is not sure leaves an operation to torch's meta kernel, and with the rules switched off all are left to it.
What stands here is put right all the same, so that a trace is the CPU's either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.trace.meta_kernels.layout import channels_last, empty
from archprof.trace.meta_kernels.registry import aten

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

CPU_SEMANTICS: dict[Any, Callable[..., Any]] = {}
"""Operation -> what to run in its place, with the operation's own arguments."""


def as_on_cpu(*operations: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function for some operations."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        CPU_SEMANTICS.update(dict.fromkeys(operations, function))
        return function

    return add


@as_on_cpu(aten.native_batch_norm.default)
def _batch_norm(input_: Tensor, *parameters: Any) -> Any:
    result, *statistics = aten.native_batch_norm.default(input_, *parameters)
    training = parameters[4]
    return result, *(statistics if training else [empty((0,), tensor.dtype) for tensor in statistics])


@as_on_cpu(aten.convolution.default)
def _convolution(input_: Tensor, weight: Tensor, *parameters: Any) -> Any:
    result = aten.convolution.default(input_, weight, *parameters)
    if result.ndim == 4 and (channels_last(input_) or channels_last(weight)):
        return result.to(memory_format=torch.channels_last)
    return result

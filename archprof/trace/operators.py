"""What torch says of its operators and tensors that a recorder asks for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor

_C: Any = torch._C

_TORCH_S = frozenset({"aten", "prims", "torchvision", "quantized", "profiler"})
"""Namespaces of operations that have kernels for tensors without values."""


@cache
def is_composite(func: Any) -> bool:
    """Whether torch takes a function apart for every device."""
    return bool(_C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"))


def sizes(tensor: Tensor) -> tuple[int, ...]:
    """A tensor's shape; of a nested tensor, whose rows differ, that of all its rows one after the other."""
    if tensor.is_nested:
        return tuple(tensor.values().shape) if tensor.layout == torch.jagged else (tensor.numel(),)
    return tuple(tensor.shape)


def reads_values(func: Any, error: Exception) -> bool:
    """Whether an operation failed for want of values rather than of matching shapes."""
    return (
        func.name() == "aten::_local_scalar_dense"
        or func.namespace not in _TORCH_S  # whose kernel for shapes alone, if there is one, may know less
        or isinstance(error, NotImplementedError)
        or any(tag in func.tags for tag in (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape))
    )

"""What torch says of its operators and tensors that a recorder asks for."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from archprof.trace.device import is_meta
from archprof.trace.meta_kernels.memory_requirements import changes_shapes
from archprof.trace.meta_kernels.registry import META_KERNELS

_C: Any = torch._C

PLAIN = {int, float, bool, type(None), str, torch.dtype, torch.device, torch.layout, torch.memory_format}
"""Types of most arguments that are no tensor; asking for them first is quicker."""


_TORCH_S = frozenset({"aten", "prims", "torchvision", "quantized", "profiler"})
"""Namespaces of operations that have kernels for tensors without values."""


@cache
def is_composite(func: Any) -> bool:
    """Whether torch takes a function apart for every device."""
    return bool(_C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"))


@cache
def fast_rule(func: Any) -> Any:
    """The rule for an operation on tensors that is always one, and changes the shape of none that it is given."""
    rule = META_KERNELS.get(func)
    if rule is None or is_composite(func) or changes_shapes(func) or not func._schema.arguments:
        return None
    return rule if "Tensor" in str(func._schema.arguments[0].type) else None


def reads_values(func: Any, error: Exception) -> bool:
    """Whether an operation failed for want of values rather than of matching shapes."""
    return (
        func.name() == "aten::_local_scalar_dense"
        or func.namespace not in _TORCH_S  # whose kernel for shapes alone, if there is one, may know less
        or isinstance(error, NotImplementedError)
        or "NestedTensorImpl" in str(error)  # there are none without memory
        or any(tag in func.tags for tag in (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape))
    )


def placement(args: Any, kwargs: Any) -> tuple[bool, bool]:
    """Whether any tensor argument holds values, and whether any is on meta."""
    values = meta = False
    for arg in (*args, *kwargs.values()) if kwargs else args:
        if type(arg) in PLAIN:
            continue
        if isinstance(arg, torch.Tensor):
            if is_meta(arg):
                meta = True
            else:
                values = True
        elif isinstance(arg, (list, tuple)):
            for item in arg:
                if type(item) not in PLAIN and isinstance(item, torch.Tensor):
                    if is_meta(item):
                        meta = True
                    else:
                        values = True
    return values, meta

"""Tensors that are made of others: quantised, pruned and nested ones, whose operations run on what is inside them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@cache
def own_dispatch(kind: type) -> bool:
    """Whether a class of tensors runs operations in a way of its own."""
    dispatch = getattr(kind, "__torch_dispatch__", None)
    return dispatch not in (None, Tensor.__torch_dispatch__, torch._C._disabled_torch_dispatch_impl)


@cache
def is_function(function: Any) -> bool:
    """Whether torch has it as a function of other operations, as ``aten.to`` and ``aten.linear`` are."""
    return bool(function.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd))


def inner_tensors(tensor: Tensor) -> Iterator[Tensor]:
    """The plain tensors that a tensor is made of: itself, unless it is a wrapper around others."""
    if is_traceable_wrapper_subclass(tensor):
        for name in tensor.__tensor_flatten__()[0]:
            yield from inner_tensors(getattr(tensor, name))
    else:
        yield tensor


def rewrapped(tensor: Any, change: Callable[[Tensor], Tensor]) -> Tensor:
    """A wrapper like a given one around others than its own tensors."""
    names, context = tensor.__tensor_flatten__()
    inner = {name: change(getattr(tensor, name)) for name in names}
    result: Tensor = type(tensor).__tensor_unflatten__(inner, context, tensor.shape, tensor.stride())
    return result

"""Tensors that are made of others: quantised, pruned and nested ones, whose operations run on what is inside them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

_Class: Any = torch.Tensor
_OWN = frozenset({"torch", "torchvision"})
"""Packages whose classes of tensors compute what a plain tensor does."""


def inner_tensors(tensor: Tensor) -> Iterator[Tensor]:
    """The plain tensors that a tensor is made of: itself, unless it is a wrapper around others."""
    if is_traceable_wrapper_subclass(tensor):
        for name in tensor.__tensor_flatten__()[0]:
            yield from inner_tensors(getattr(tensor, name))
    elif dispatches(type(tensor)) and (parts := _attributes(tensor)):
        for part in parts:
            yield from inner_tensors(part)
    else:
        yield tensor


def is_fake(tensor: Tensor) -> bool:
    """Whether a tensor has no values, and says of itself where it would be."""
    return isinstance(tensor, FakeTensor)


def computes_itself(tensor: Tensor) -> bool:
    """Whether a tensor's class says what operations do with it, so that a plain tensor cannot stand for it."""
    kind: Any = type(tensor)
    if kind in (torch.Tensor, torch.nn.Parameter) or is_fake(tensor):
        return False
    return dispatches(kind) or _overrides_functions(kind)


@cache
def dispatches(kind: Any) -> bool:
    """Whether a class of tensors says itself what becomes of the operations on them."""
    return kind.__torch_dispatch__ is not _Class.__torch_dispatch__


@cache
def _overrides_functions(kind: Any) -> bool:
    """Whether it changes what torch's functions do; that of plain tensors keeps the class of the result."""
    own = getattr(kind.__torch_function__, "__func__", kind.__torch_function__)
    inherited = (_Class.__torch_function__.__func__, torch._C._disabled_torch_function_impl)
    return own not in inherited and kind.__module__.partition(".")[0] not in _OWN


def _attributes(tensor: Tensor) -> list[Tensor]:
    """The tensors among the attributes of one whose class does not say what it is made of."""
    return [value for value in vars(tensor).values() if isinstance(value, torch.Tensor)]

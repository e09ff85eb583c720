"""Tensors that are made of others: quantised, pruned and nested ones, whose operations run on what is inside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.utils._python_dispatch import is_traceable_wrapper_subclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def inner_tensors(tensor: Tensor) -> Iterator[Tensor]:
    """The plain tensors that a tensor is made of: itself, unless it is a wrapper around others."""
    if is_traceable_wrapper_subclass(tensor):
        for name in tensor.__tensor_flatten__()[0]:
            yield from inner_tensors(getattr(tensor, name))
    else:
        yield tensor

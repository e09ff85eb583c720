"""Puts tensors without memory into a module in the place of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.parameter import is_lazy

from archprof.errors import RunError
from archprof.trace.constants import is_table
from archprof.trace.device import is_meta
from archprof.trace.modules import MODULE_FAST_PATHS
from archprof.trace.subclasses import is_fake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn


def replace_tensors(
    module: nn.Module, placeholder: Callable[[Tensor], Tensor], placeholders: Mapping[int, Tensor]
) -> None:
    """Replace the parameters and buffers of a module, but for small tables.

    Args:
        module: The module.
        placeholder: Gives what is to stand for a tensor; always the same for the same one.
        placeholders: What it gave, by the id of the tensor.
    """
    replaced = False
    for name, tensor in module._parameters.items():
        if tensor is not None and (not is_meta(tensor) or is_fake(tensor)):
            module._parameters[name] = placeholder(tensor)  # type: ignore[assignment]
            replaced = True
    for name, buffer in module._buffers.items():
        if buffer is not None and (is_fake(buffer) or not (is_meta(buffer) or is_table(buffer))):
            module._buffers[name] = placeholder(buffer)
    if replaced and type(module) not in MODULE_FAST_PATHS:
        # Recurrent layers hand their weights to torch in a list of their own.
        for name, value in vars(module).items():
            if isinstance(value, list) and any(id(item) in placeholders for item in value):
                vars(module)[name] = [placeholders.get(id(item), item) for item in value]


def replace_variables(module: nn.Module, placeholder: Callable[[Tensor], Tensor]) -> None:
    """Replace the tensors in the attributes of a module that ask for a gradient."""
    for name, value in vars(module).items():
        if isinstance(value, torch.Tensor) and value.requires_grad and not is_meta(value):
            vars(module)[name] = placeholder(value)


def check_shape(tensor: Tensor, path: str, module: nn.Module) -> None:
    """Refuse a parameter or buffer that has no shape yet.

    Raises:
        RunError: With the module's path and class.
    """
    if is_lazy(tensor):
        raise RunError(
            f"{path or 'the model'} ({type(module).__name__}) is lazy: its weights have no shape yet",
            hint="call the model once with a real input, which gives them one",
        )

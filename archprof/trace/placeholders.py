"""Puts tensors without memory into a module in the place of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from archprof.trace.constants import is_table
from archprof.trace.device import is_meta
from archprof.trace.modules import MODULE_FAST_PATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn


def replace_tensors(
    module: nn.Module, placeholder: Callable[[Tensor], Tensor], placeholders: Mapping[int, Tensor]
) -> None:
    """Replace what a module itself holds: parameters, buffers but for small tables, and what else asks for a gradient.

    Args:
        module: The module.
        placeholder: Gives what is to stand for a tensor; always the same for the same one.
        placeholders: What it gave, by the id of the tensor.
    """
    replaced = False
    for name, tensor in module._parameters.items():
        if tensor is not None and not is_meta(tensor):
            module._parameters[name] = placeholder(tensor)  # type: ignore[assignment]
            replaced = True
    for name, buffer in module._buffers.items():
        if buffer is not None and not is_meta(buffer) and not is_table(buffer):
            module._buffers[name] = placeholder(buffer)
    if replaced and type(module) not in MODULE_FAST_PATHS:
        # Recurrent layers hand their weights to torch in a list of their own.
        for name, value in vars(module).items():
            if isinstance(value, list) and any(id(item) in placeholders for item in value):
                vars(module)[name] = [placeholders.get(id(item), item) for item in value]
    if torch.is_grad_enabled():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.requires_grad and not is_meta(value):
                vars(module)[name] = placeholder(value)

"""The modules, parameters and buffers of a model, as torch lists them and in a fraction of the time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor


def _is_compiled(kind: Any) -> bool:
    return issubclass(kind, torch.jit.ScriptModule)


is_compiled: Callable[[Any], bool] = cache(_is_compiled)
"""Whether modules of a type are torch.jit's, which make their children anew each time."""


def walk(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every module with its path, in the order of ``named_modules``; what is inside of torch.jit's is left out."""
    entries: dict[int, tuple[str, nn.Module]] = {}
    waiting: list[tuple[str, Any]] = [("", model)]
    while waiting:
        path, module = entry = waiting.pop()
        if id(module) in entries or module is None:
            continue
        entries[id(module)] = entry
        children = module._modules
        if children and not is_compiled(type(module)):
            prefix = f"{path}." if path else ""
            waiting += [(prefix + name, child) for name, child in reversed(children.items())]
    return list(entries.values())


def modules(model: nn.Module) -> list[nn.Module]:
    """Every module once, as ``model.modules()``."""
    entries: dict[int, nn.Module] = {}
    waiting: list[Any] = [model]
    while waiting:
        module = waiting.pop()
        if is_compiled(type(module)):  # it makes its children anew each time
            return list(model.modules())
        if id(module) not in entries and module is not None:
            entries[id(module)] = module
            waiting += reversed(module._modules.values())
    return list(entries.values())


def parameters(model: nn.Module) -> list[nn.Parameter]:
    """Every parameter once, as ``model.parameters()``."""
    by_identity = {
        id(parameter): parameter
        for module in modules(model)
        for parameter in module._parameters.values()
        if parameter is not None
    }
    return list(by_identity.values())


def buffers(model: nn.Module) -> list[Tensor]:
    """Every buffer once, as ``model.buffers()``."""
    by_identity = {
        id(buffer): buffer for module in modules(model) for buffer in (module._buffers.values()) if buffer is not None
    }
    return list(by_identity.values())


def registered(model: nn.Module) -> Iterator[Tensor]:
    """Every parameter and buffer of every module; what several modules hold comes several times."""
    for module in modules(model):
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None:
                yield tensor

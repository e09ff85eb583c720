"""The modules, parameters and buffers of a model, as torch lists them and in a fraction of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


def walk(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every module with its path, in the order of ``named_modules``; what is inside of torch.jit's is left out."""
    found: list[tuple[str, nn.Module]] = []
    seen: set[int] = set()
    waiting = [("", model)]
    while waiting:
        path, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        found.append((path, module))
        if isinstance(module, torch.jit.ScriptModule):
            continue
        children = [
            (f"{path}.{name}" if path else name, child) for name, child in module._modules.items() if child is not None
        ]
        waiting.extend(reversed(children))
    return found


def modules(model: nn.Module) -> list[nn.Module]:
    """Every module once, as ``model.modules()``."""
    found: dict[int, nn.Module] = {}
    waiting = [model]
    while waiting:
        module = waiting.pop()
        if isinstance(module, torch.jit.ScriptModule):  # it makes its children anew each time
            return list(model.modules())
        if id(module) not in found:
            found[id(module)] = module
            waiting += [child for child in reversed(module._modules.values()) if child is not None]
    return list(found.values())


def parameters(model: nn.Module) -> list[nn.Parameter]:
    """Every parameter once, as ``model.parameters()``."""
    found = {
        id(parameter): parameter
        for module in modules(model)
        for parameter in module._parameters.values()
        if parameter is not None
    }
    return list(found.values())


def buffers(model: nn.Module) -> list[Tensor]:
    """Every buffer once, as ``model.buffers()``."""
    found = {
        id(buffer): buffer for module in modules(model) for buffer in (module._buffers.values()) if buffer is not None
    }
    return list(found.values())


def registered(model: nn.Module) -> Iterator[Tensor]:
    """Every parameter and buffer of every module; what several modules hold comes several times."""
    for module in modules(model):
        for tensor in (*module._parameters.values(), *module._buffers.values()):
            if tensor is not None:
                yield tensor

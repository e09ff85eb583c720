"""The static equivalent of a model: the same network with every dynamic layer replaced with the plain one."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from archprof.builder.graph import ROW_MARKS
from archprof.builder.probe_pass import observed
from archprof.parameternet.boundary import find_boundary, inside
from archprof.parameternet.find import find
from archprof.parameternet.plain_layer import plain_layer, plain_module
from archprof.parameternet.rewrite import rewritten

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archprof.builder.built import Built
    from archprof.parameternet.boundary import Boundary
    from archprof.parameternet.find import DynamicOp
    from archprof.trace.record import Trace


@dataclass(frozen=True, slots=True)
class Twin:
    """A static equivalent.

    Attributes:
        module: The model with plain layers.
        replaced: How many dynamic layers were replaced.
        remarks: Which were not, and why.
    """

    module: nn.Module
    replaced: int
    remarks: tuple[str, ...]


def static(built: Built, inputs: tuple[Tensor, ...]) -> Built:
    """A model that was built -> its static equivalent; what cannot be replaced stays as it is, and the remarks say so.

    Args:
        built: The model, which is changed.
        inputs: What it will be run on.

    Raises:
        RunError: Where it does not run.
    """
    twin = replace_layers(observed(built.module, inputs), built.module)
    nothing = (
        ()
        if twin.replaced or twin.remarks
        else ("it has no dynamic layers: the static equivalent is the model itself",)
    )
    return replace(built, module=twin.module, static=True, remarks=(*built.remarks, *nothing, *twin.remarks))


def static_copy(run: Trace, *, values: bool = False) -> Twin:
    """The static equivalent of a traced model, beside it: it shares all other parameters.

    Args:
        run: A pass of the model.
        values: Whether its own parameters hold values, and so take memory.
    """
    shared = (*run.model.parameters(), *run.model.buffers())
    model = copy.deepcopy(run.model, {id(tensor): tensor for tensor in shared})
    return replace_layers(run, model, device=None if values else torch.device("meta"))


def replace_layers(run: Trace, model: nn.Module, *, device: torch.device | None = None) -> Twin:
    """Replace the dynamic layers of a model, in place.

    A module that is a dynamic layer and nothing else is replaced with a plain one. Of a module that is more, or that
    runs the router of layers in it, the forward is rewritten.

    Args:
        run: A pass of it, or of what it is a copy of.
        model: The model.
        device: Where the kernels of plain layers are to be; by default where the experts are.
    """
    flow, layers = find(run)
    surgery = _Surgery(run, model, device)
    for layer in layers:
        surgery.replace(layer, find_boundary(flow, run, layer))
    surgery.rewrite()
    return Twin(surgery.model, surgery.replaced, tuple(dict.fromkeys(surgery.remarks)))


class _Surgery:
    """A model whose layers are being replaced.

    Attributes:
        model: What it has become.
        replaced: How many modules became plain layers, or have some inside.
        remarks: What could not be done.
    """

    def __init__(self, run: Trace, model: nn.Module, device: torch.device | None) -> None:
        self.model = model
        self.replaced = 0
        self.remarks: list[str] = []
        self._run = run
        self._device = device
        self._devices = {path: parameter.device for path, parameter in run.model.named_parameters()}
        self._paths: dict[str, list[str]] = {}  # all the paths of what stands at a path
        paths: dict[int, list[str]] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            self._paths[path] = paths.setdefault(id(module), [])
            self._paths[path].append(path)
        self._replaced_paths: set[str] = set()
        self._kernels: dict[str, nn.Module] = {}
        # Modules whose forward is to be rewritten, with plain layers by place among their convolutions.
        self._rewrites: dict[str, dict[int, nn.Module]] = {}

    def replace(self, layer: DynamicOp, boundary: Boundary | None) -> None:
        """Replace the module that is a dynamic layer, or note which module has to be rewritten for it."""
        operations, calls = self._run.operations, self._run.calls
        operation = operations[layer.operation]
        if boundary is not None:
            path = calls[boundary.call].path
            if path not in self._replaced_paths:
                self._replaced_paths.add(path)
                self.replaced += 1
                self._set_module(path, plain_module(self._layer(layer), boundary))
        elif operation.name == "aten.convolution":
            siblings = [sibling for sibling in operations[: layer.operation] if sibling.call == operation.call]
            position = sum(sibling.name == "aten.convolution" for sibling in siblings)
            self._rewrites.setdefault(calls[operation.call].path, {})[position] = self._layer(layer)
        else:
            self._note_kept(
                calls[operation.call].path,
                "the dynamic layer",
                "its forward does more than multiply by the mixed matrix",
            )
            return
        if layer.router and not (boundary and boundary.includes_router):
            call = operation.call
            while not inside(self._run, call) >= layer.router:
                call = calls[call].parent
            self._rewrites.setdefault(calls[call].path, {})

    def rewrite(self) -> None:
        """Rewrite the modules that hold plain layers now, the innermost first."""
        for path in sorted(self._rewrites, key=lambda path: -path.count(".")):
            layers = self._rewrites[path]
            module = rewritten(self.model.get_submodule(path), layers)
            if module is not None:
                self.replaced += bool(layers)
                self._set_module(path, module)
                continue
            part = "the dynamic layer" if layers else "the router of the dynamic layers"
            self._note_kept(path, part, "its forward branches on shapes or values, and cannot be rewritten")

    def _note_kept(self, path: str, part: str, reason: str) -> None:
        self.remarks.append(f"the static equivalent keeps {part} of {path or 'the model'}: {reason}")

    def _layer(self, dynamic: DynamicOp) -> nn.Module:
        """The plain layer, freshly initialised; modules that share experts share its kernel."""
        bank = dynamic.mixture.bank[0].parameter or ""
        device = self._device or self._devices.get(bank, torch.device("cpu"))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layer = plain_layer(
                dynamic, self._run.operations[dynamic.operation], device=device, dtype=dynamic.weight.dtype
            )
        first = self._kernels.setdefault(bank, layer)
        if first is not layer:
            layer.register_parameter("weight", first.get_parameter("weight"))
        return layer

    def _set_module(self, path: str, module: nn.Module) -> None:
        old = self.model.get_submodule(path)
        module.train(old.training)
        for mark in vars(old).keys() & ROW_MARKS:
            setattr(module, mark, getattr(old, mark))
        if old is self.model:
            self.model = module
            return
        for alias in self._paths[path]:
            self.model.set_submodule(alias, module)

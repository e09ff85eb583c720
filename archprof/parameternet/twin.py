"""The static twin of a model: the same network with every dynamic layer replaced with the plain one."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from archprof.build.graph import ROW_MARKS
from archprof.parameternet.boundary import find_boundary
from archprof.parameternet.find import find
from archprof.parameternet.plain import plain_layer, plain_module
from archprof.trace.recorder import ValuesNeededError
from archprof.trace.run import trace, trace_values

if TYPE_CHECKING:
    from torch import Tensor, nn

    from archprof.build.built import Built
    from archprof.parameternet.boundary import Boundary
    from archprof.parameternet.find import Dynamic
    from archprof.trace.record import Trace


@dataclass(frozen=True, slots=True)
class Twin:
    """A static twin.

    Attributes:
        module: The model with plain layers.
        replaced: How many dynamic layers were replaced.
        remarks: Which were not, and why.
    """

    module: nn.Module
    replaced: int
    remarks: tuple[str, ...]


def static(built: Built, inputs: tuple[Tensor, ...]) -> Built:
    """A model that was built -> its static twin; what cannot be replaced stays as it is, and the remarks say so.

    Args:
        built: The model, which is changed.
        inputs: What it will be run on.

    Raises:
        RunError: Where it does not run.
    """
    module = built.module
    try:
        run = trace(module, inputs)
    except ValuesNeededError:
        if any(tensor.is_meta for tensor in inputs):
            raise
        run = trace_values(module, inputs)
    twin = replace_layers(run, module)
    nothing = (
        () if twin.replaced or twin.remarks else ("it has no dynamic layers: the static twin is the model itself",)
    )
    return replace(built, module=twin.module, static=True, remarks=(*built.remarks, *nothing, *twin.remarks))


def static_copy(run: Trace) -> Twin:
    """The static twin of a traced model, beside it: it shares all other parameters, and its own take no memory."""
    shared = (*run.model.parameters(), *run.model.buffers())
    model = copy.deepcopy(run.model, {id(tensor): tensor for tensor in shared})
    return replace_layers(run, model, device=torch.device("meta"))


def replace_layers(run: Trace, model: nn.Module, *, device: torch.device | None = None) -> Twin:
    """Replace the dynamic layers of a model, in place.

    Args:
        run: A pass of it, or of what it is a copy of.
        model: The model.
        device: Where the kernels of plain layers are to be; by default where the experts are.
    """
    flow, found = find(run)
    surgery = _Surgery(run, model, device)
    for one in found:
        surgery.replace(one, find_boundary(flow, run, one))
    return Twin(surgery.model, len(surgery.places), tuple(surgery.remarks))


class _Surgery:
    """A model whose layers are being replaced."""

    def __init__(self, run: Trace, model: nn.Module, device: torch.device | None) -> None:
        self.run = run
        self.model = model
        self.device = device
        self.places: dict[str, str] = {}
        self.remarks: list[str] = []
        self._kernels: dict[str, nn.Module] = {}

    def replace(self, one: Dynamic, boundary: Boundary | None) -> None:
        bank = one.mixture.bank[0].parameter or ""
        operation = self.run.operations[one.operation]
        caller = self.run.calls[operation.call].path
        if boundary is None:
            self.remarks.append(f"{caller or 'the model'} keeps its dynamic layer: it computes more than that layer")
            return
        path = self.run.calls[boundary.call].path
        if path in self.places:
            return
        self.places[path] = bank
        if not boundary.whole and one.router:
            self.remarks.append(f"{path} is plain in the static twin; its router, which runs outside of it, is left")
        tensor = dict(self.run.model.named_parameters()).get(bank)
        place = self.device or (tensor.device if tensor is not None else torch.device("cpu"))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            layer = plain_layer(one, operation, device=place, dtype=one.weight.dtype)
        first = self._kernels.setdefault(bank, layer)
        if first is not layer:  # experts that several modules share: so do their plain layers
            layer.register_parameter("weight", first.get_parameter("weight"))
        self._put(path, plain_module(layer, boundary))

    def _put(self, path: str, module: nn.Module) -> None:
        old = self.model.get_submodule(path)
        module.train(old.training)
        for mark in vars(old).keys() & ROW_MARKS:
            setattr(module, mark, getattr(old, mark))
        if old is self.model:
            self.model = module
            return
        for name, other in list(self.model.named_modules(remove_duplicate=False)):
            if other is old:
                self.model.set_submodule(name, module)

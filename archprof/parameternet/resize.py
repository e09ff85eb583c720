"""A built model with another number of experts: its banks and its routers' last layers made larger or smaller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.builder.probe_pass import observed
from archprof.errors import BuildError, RunError
from archprof.parameternet.find import find

if TYPE_CHECKING:
    from torch import Tensor

    from archprof.builder.built import Built
    from archprof.parameternet.find import DynamicOp
    from archprof.parameternet.flow import Flow
    from archprof.trace.record import TensorInfo

_NAMES = ("num_experts", "experts", "n_experts")
"""What modules call their number of experts."""

_OUTPUTS = ("out_features", "out_channels")
"""What layers call the number of what they give."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Gives every dynamic layer of a model another number of experts.

    Attributes:
        experts: M.
    """

    experts: int

    def __call__(self, built: Built, inputs: tuple[Tensor, ...]) -> Built:
        """The model, changed in place.

        Raises:
            BuildError: Where a layer cannot take so many.
        """
        flow, layers = find(observed(built.module, inputs))
        work = _Work(built.module, self.experts)
        for layer in layers:
            work.resize(flow, layer)
        try:
            _, after = find(observed(built.module, inputs))
        except RunError as error:
            message = f"the model does not take M = {self.experts}: {error.message}"
            raise BuildError(message, hint=error.hint) from error
        if len(after) != len(layers) or any(layer.mixture.experts != self.experts for layer in after):
            raise BuildError(f"the model does not take M = {self.experts}: the number of experts is fixed in its code")
        return built


@dataclass(slots=True)
class _Work:
    """A model in which experts are being added or dropped, and the parameters that have been dealt with."""

    model: nn.Module
    experts: int
    resized: set[str] = field(default_factory=set)

    def resize(self, flow: Flow, layer: DynamicOp) -> None:
        """Resize one layer's bank, its biases, and what of its router has a score for each expert."""
        before = layer.mixture.experts
        if before == self.experts:
            return
        banks = [*layer.mixture.bank, *(layer.bias.bank if layer.bias else ())]
        for tensor in banks:
            if before not in (tensor.shape[0], tensor.shape[-1]):
                shape = "×".join(map(str, tensor.shape))
                raise BuildError(
                    f"the model does not take M = {self.experts}: "
                    f"{tensor.parameter} ({shape}) is not a bank of {before}",
                    hint="kernels that are parameters of their own cannot be distinguished from others",
                )
        routers = flow.parameters(layer.router)
        last = next((tensor for tensor in reversed(routers) if tensor.shape[:1] == (before,)), None)
        owner = (last.parameter or "").rpartition(".")[0] if last else None
        scores = [tensor for tensor in routers if (tensor.parameter or "").rpartition(".")[0] == owner]
        for tensor in (*banks, *(tensor for tensor in scores if tensor.shape[:1] == (before,))):
            self._resize(tensor, before)

    def _resize(self, tensor: TensorInfo, before: int) -> None:
        path = tensor.parameter or ""
        if path in self.resized:
            return
        self.resized.add(path)
        owner, _, name = path.rpartition(".")
        module: Any = self.model.get_submodule(owner)
        old = getattr(module, name)
        # Experts come first; they come last where the parameter goes by the name of a plain convolution's.
        shape = (self.experts, *old.shape[1:]) if old.shape[0] == before else (*old.shape[:-1], self.experts)
        new = torch.empty(shape, dtype=old.dtype, device=old.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            nn.init.uniform_(new, -0.1, 0.1)
        setattr(module, name, nn.Parameter(new, old.requires_grad))
        for attribute in (*_NAMES, *_OUTPUTS):
            if vars(module).get(attribute) == before:
                setattr(module, attribute, self.experts)

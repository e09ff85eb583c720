"""torchprofile, which traces the model with TorchScript's tracer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter, Item, family
from archprof.counters.watch import paths

if TYPE_CHECKING:
    from torch import nn


class Torchprofile(Counter):
    """``profile_macs``."""

    name = "torchprofile"
    distribution = "torchprofile"
    package = "torchprofile"
    unit = "MACs"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """It keeps the scopes that the tracer knows of, so the tracer is told the modules."""
        from torchprofile import profile_macs

        _name_scopes(model)
        macs = profile_macs(model, inputs, reduction=None)
        total = sum(macs.values())
        return Answer(total, int(total), lambda: [_item(node, amount) for node, amount in macs.items() if amount])


def _name_scopes(model: nn.Module) -> None:
    """Have every module announce itself to the tracer by its path; a scope's last part is the innermost's."""

    def announce(module: nn.Module, path: str) -> None:
        module.register_forward_pre_hook(lambda *_: torch._C._get_tracing_state().push_scope(path))
        module.register_forward_hook(lambda *_: torch._C._get_tracing_state().pop_scope())

    for module, path in paths(model).items():
        announce(module, path)


def _item(node: Any, macs: Any) -> Item:
    return Item(node.scope.rpartition("/")[2], node.operator.removeprefix("aten::"), int(macs), family(node.operator))


COUNTERS.register(Torchprofile.name, Torchprofile())

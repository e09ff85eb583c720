"""fvcore, which traces the model with TorchScript's tracer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter, Item, family

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import nn


class Fvcore(Counter):
    """``FlopCountAnalysis``; it calls a multiply-accumulate one flop."""

    name = "fvcore"
    distribution = "fvcore"
    package = "fvcore.nn"
    unit = "flops (MACs)"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """Its figures for a module include those of the modules that it owns."""
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(model, inputs)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        total = analysis.total()
        return Answer(total, int(total), lambda: _own(analysis.by_module_and_operator()))


def _own(inclusive: Any) -> Iterator[Item]:
    """What each module ran itself: what it has, less what the modules that it owns have."""
    for path, counts in inclusive.items():
        own = dict(counts)
        for child, below in inclusive.items():
            if child and child.rpartition(".")[0] == path:
                for operation, amount in below.items():
                    own[operation] -= amount
        for operation, amount in own.items():
            if amount:
                yield Item(path, operation, int(amount), family(operation))


COUNTERS.register(Fvcore.name, Fvcore())

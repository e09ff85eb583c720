"""torchinfo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter, Item
from archprof.counters.watch import paths

if TYPE_CHECKING:
    import torch
    from torch import nn


class Torchinfo(Counter):
    """``summary``, which multiplies parameters by the number of positions where they are applied."""

    name = "torchinfo"
    distribution = "torchinfo"
    package = "torchinfo"
    unit = "mult-adds"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """Its total is that of the leaves."""
        import torchinfo

        path_of = paths(model)
        statistics = torchinfo.summary(model, input_data=list(inputs), verbose=0)
        total = statistics.total_mult_adds
        return Answer(
            total,
            int(total),
            lambda: [
                Item(path_of.get(layer.module, ""), layer.class_name, int(layer.macs), "module")
                for layer in statistics.summary_list
                if layer.is_leaf_layer and layer.macs
            ],
        )


COUNTERS.register(Torchinfo.name, Torchinfo())

"""calflops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter
from archprof.counters.watch import Watched, noted

if TYPE_CHECKING:
    import torch
    from torch import nn


class Calflops(Counter):
    """``calculate_flops``: FLOPs of everything that it knows, and MACs, which are what is compared."""

    name = "calflops"
    distribution = "calflops"
    package = "calflops"
    unit = "FLOPs (all)"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """Its numbers stand at the modules, and it adds them up once for each parent."""
        from calflops import calculate_flops

        watched = Watched(model, lambda inner: noted(inner, "__macs__", descend=True, once=False))
        flops, macs, _ = calculate_flops(watched, args=list(inputs), print_results=False, output_as_string=False)
        return Answer(flops, int(macs), lambda: watched.items)


COUNTERS.register(Calflops.name, Calflops())

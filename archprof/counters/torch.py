"""torch's own counter."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter, Item, family
from archprof.counters.watch import Innermost

if TYPE_CHECKING:
    import torch
    from torch import nn


class Torch(Counter):
    """``FlopCounterMode``, which sees operations as they are dispatched."""

    name = "torch"
    distribution = "torch"
    package = "torch.utils.flop_counter"
    unit = "FLOPs"

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """What its total grows by while a module is innermost is that module's."""
        from torch.utils.flop_counter import FlopCounterMode

        own: Tally[tuple[str, str]] = Tally()
        before: dict[object, int] = {}
        counter = FlopCounterMode(display=False)

        def settle(path: str) -> None:
            now = counter.flop_counts["Global"]
            for operation, flops in now.items():
                own[path, str(operation)] += flops - before.get(operation, 0)
            before.update(now)

        with counter, Innermost(model, settle):
            model(*inputs)
        total = counter.get_total_flops()
        return Answer(
            total,
            total // 2,
            lambda: [Item(path, name, flops // 2, family(name)) for (path, name), flops in own.items() if flops],
        )


COUNTERS.register(Torch.name, Torch())

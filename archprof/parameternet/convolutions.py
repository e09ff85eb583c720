"""The plain convolutions of a counted model, and what they would be if they were dynamic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import nn

from archprof.parameternet.find import find
from archprof.parameternet.formulas import Sizes

if TYPE_CHECKING:
    from archprof.count.ledger import Ledger
    from archprof.trace.record import Operation


@dataclass(slots=True)
class Convolution:
    """A plain convolution and its runs.

    Attributes:
        module: The module.
        macs: Multiply-accumulates of all runs.
        places: The runs' operations, by index.
        runs: The operations.
    """

    module: nn.Conv2d
    macs: int = 0
    places: list[int] = field(default_factory=list)
    runs: list[Operation] = field(default_factory=list)

    def sizes(self, experts: int) -> list[Sizes]:
        """What each run would cost with M kernels and a router of one linear layer with bias."""
        module = self.module
        kernel = module.kernel_size[0] * module.kernel_size[1]
        sizes = []
        for run in self.runs:
            batch, _, height, width = run.outputs[0].shape
            sizes.append(
                Sizes(
                    experts=experts,
                    c_in=module.in_channels,
                    c_out=module.out_channels,
                    area=kernel,
                    groups=module.groups,
                    positions=height * width,
                    batch=batch,
                    kernels_generated=batch,
                    bias=module.bias is not None,
                    bias_mixed=module.bias is not None,
                    router_weights=(module.in_channels * experts,),
                    router_biases=(experts,),
                    router_rows=batch,
                )
            )
        return sizes

    def moved(self, experts: int) -> int:
        """Elements that a dynamic one reads and writes more, each tensor of each operation once.

        The mean of each image, one linear layer, a sigmoid; M kernels (and biases) read and one written a sample; and
        one kernel a sample, instead of one in all, read by the convolution.
        """
        total = 0
        for sizes, run in zip(self.sizes(experts), self.runs, strict=True):
            scores = sizes.batch * experts
            mean = run.arguments[0].numel + sizes.batch * sizes.c_in
            linear = sizes.batch * sizes.c_in + sizes.c_in * experts + experts + scores
            banks = [sizes.kernel, sizes.c_out] if sizes.bias else [sizes.kernel]
            mixing = sum(scores + experts * size + sizes.batch * size for size in banks)
            total += mean + linear + 2 * scores + mixing + (sizes.batch - 1) * sum(banks)
        return total


def convolutions(ledger: Ledger) -> dict[str, Convolution]:
    """Every ``nn.Conv2d`` that trains and runs, by path, in the order of running; those of routers are left out."""
    model = ledger.trace.model
    _, dynamic = find(ledger.trace)
    routers = {place for op in dynamic for place in op.router}
    found: dict[str, Convolution] = {}
    for place, entry in enumerate(ledger.entries):
        operation = entry.operation
        if operation.name != "aten.convolution" or place in routers:
            continue
        path, _, name = (operation.arguments[1].parameter or "").rpartition(".")
        module = model.get_submodule(path) if name == "weight" else None
        # A subclass pads or convolves in a way of its own.
        if type(module) is not nn.Conv2d or module.padding_mode != "zeros" or not module.weight.requires_grad:
            continue
        convolution = found.setdefault(path, Convolution(module))
        convolution.macs += entry.count.macs
        convolution.places.append(place)
        convolution.runs.append(operation)
    return found

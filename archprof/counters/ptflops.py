"""ptflops, with the backend that it takes by default."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from archprof.counters import COUNTERS
from archprof.counters.interface import Answer, Counter
from archprof.counters.watch import Watched, noted, recorded

if TYPE_CHECKING:
    import torch
    from torch import nn


class Ptflops(Counter):
    """``get_model_complexity_info``, which is given a shape and makes one image of it."""

    name = "ptflops"
    distribution = "ptflops"
    package = "ptflops"
    unit = "MACs"
    per_image = True

    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """It adds up by walking down the tree, and stops where a module has a number."""
        from ptflops import get_model_complexity_info
        from ptflops.pytorch_ops import FUNCTIONAL_MAPPING, TENSOR_OPS_MAPPING

        image = inputs[0][:1]
        watched = Watched(model, lambda module: noted(module, "__flops__", descend=False, once=False))
        with redirect_stdout(io.StringIO()) as printed, recorded(model, FUNCTIONAL_MAPPING, TENSOR_OPS_MAPPING) as rest:
            macs, _ = get_model_complexity_info(
                watched,
                tuple(image.shape[1:]),
                input_constructor=lambda shape: image,
                print_per_layer_stat=False,
                as_strings=False,
            )
        if macs is None:  # it prints what it caught
            raise RuntimeError(printed.getvalue().strip().splitlines()[-1])
        return Answer(macs, int(macs), lambda: [*watched.items, *rest])


COUNTERS.register(Ptflops.name, Ptflops())

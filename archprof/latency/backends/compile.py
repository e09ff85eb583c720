"""torch.compile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.latency.backends import BACKENDS
from archprof.latency.backends.interface import Backend, Settings, forward, laid_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class Compiled(Backend):
    """The model compiled by torch's own compiler for exactly these shapes, with its default settings."""

    name = "compile"
    graphs = True

    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """The compiled module's call; the first one compiles, so it is made here."""
        from torch._inductor import config

        compiled = torch.compile(module, dynamic=False, mode="reduce-overhead" if settings.cuda_graph else None)
        run = forward(compiled, laid_out(module, inputs, settings), settings)
        with config.patch(compile_threads=1):  # no pool of processes that would go on beside the measurement
            run()
        return run


BACKENDS.register(Compiled.name, Compiled())

"""TorchScript."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch

from archprof.latency.backends import BACKENDS
from archprof.latency.backends.interface import Backend, Flat, Settings, forward, laid_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class TorchScript(Backend):
    """The model traced once, frozen, and optimised for inference."""

    name = "torchscript"

    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """The frozen trace's call. Its profiling executor specialises in the first calls, which warm-up holds."""
        given = laid_out(module, inputs, settings)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and asked for
            flat = Flat(module)
            flat(*given)  # anchors and other tensors that a model makes once are there before it is traced
            traced = torch.jit.trace(flat, given, check_trace=False, strict=False)  # type: ignore[no-untyped-call]
            frozen = torch.jit.optimize_for_inference(torch.jit.freeze(traced.eval()))
        return forward(frozen, given, settings)


BACKENDS.register(TorchScript.name, TorchScript())

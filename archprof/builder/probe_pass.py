"""One pass over a model that is being built, to learn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from archprof.trace.recorder import DataDependentError
from archprof.trace.run import trace, trace_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from archprof.trace.record import Trace


def observe(model: nn.Module, make: Callable[[torch.device], tuple[Tensor, ...]]) -> Trace:
    """A pass without memory where the model allows it, else a real one on the device that it is on.

    Args:
        model: The model.
        make: Makes its inputs on a device.

    Raises:
        DataDependentError: Where the model reads values and has none.
        RunError: Where it does not run.
    """
    try:
        return trace(model, make(torch.device("meta")))
    except DataDependentError:
        device = device_of(model)
        if device.type == "meta":
            raise
        return trace_values(model, make(device))


def observed(model: nn.Module, inputs: tuple[Tensor, ...]) -> Trace:
    """A pass without memory where the model allows it, else one with the inputs' values.

    Raises:
        DataDependentError: Where the model reads values and the inputs have none.
        RunError: Where it does not run.
    """
    try:
        return trace(model, inputs)
    except DataDependentError:
        if any(tensor.is_meta for tensor in inputs):
            raise
        return trace_values(model, inputs)


def device_of(model: nn.Module) -> torch.device:
    """Where its parameters are; the CPU for a model without any."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))

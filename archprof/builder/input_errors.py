"""Says what a model takes and what it was given, where a model of the user's own code does not run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from torch import nn

from archprof import units
from archprof.errors import RunError
from archprof.sources.usercode import takes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from archprof.builder.built import Built

INPUT_SIZE = (
    "other shapes: --imgsz, --channels and --batch, or an attribute input_size of the model: a side, (height, width), "
    "(channels, height, width), (channels, frames, height, width), or (length,) for tokens"
)
OTHERS = "other inputs, or several: archprof.profile(model, inputs) in Python"

_WITH_WEIGHTS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.Embedding)
"""Layers that say what they take."""


@contextmanager
def naming_inputs(built: Built, inputs: Sequence[Tensor]) -> Iterator[None]:
    """While it holds, a RunError of a model from the user's own code says what its forward takes.

    Args:
        built: The model.
        inputs: What it is run on.
    """
    try:
        yield
    except RunError as error:
        if not built.spec.trusted:
            lines = (_takes(built.module, inputs), _first_layer(built.module, inputs), INPUT_SIZE, OTHERS, error.hint)
            error.hint = "\n".join(line for line in lines if line)
        raise


def _takes(model: nn.Module, inputs: Sequence[Tensor]) -> str:
    shapes = " and ".join(f"{units.shape(tensor.shape)} {_dtype(tensor)}" for tensor in inputs)
    given = f"was given {units.plural(len(inputs), 'tensor')}, {shapes}"
    parameters = takes(model.forward)
    return f"forward {given}" if parameters is None else f"{type(model).__name__}.forward{parameters} {given}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _first_layer(model: nn.Module, inputs: Sequence[Tensor]) -> str | None:
    """What the first layer with weights takes, where that is something else."""
    layer = next((module for module in model.modules() if isinstance(module, _WITH_WEIGHTS)), None)
    shape = tuple(inputs[0].shape)
    if isinstance(layer, nn.Embedding):
        return "its first layer is an Embedding, which takes tokens: give the model input_size = (LENGTH,)"
    if isinstance(layer, nn.Linear) and shape[-1] != layer.in_features:
        return f"its first layer is a Linear, which takes {layer.in_features} features, not images"
    if isinstance(layer, nn.Conv2d) and len(shape) == 4 and layer.in_channels != shape[1]:
        return f"its first layer takes {units.plural(layer.in_channels, 'channel')}: --channels {layer.in_channels}"
    if isinstance(layer, nn.Conv3d):
        return f"its first layer takes clips: give the model input_size = ({layer.in_channels}, FRAMES, HEIGHT, WIDTH)"
    return None

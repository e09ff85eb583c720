"""Says what a model takes, what it was given and what to type, where it does not run."""

from __future__ import annotations

import inspect
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

SHAPES = "a SHAPE is 1x3x640x640, or 1x128:int64:0..30000 for whole numbers below 30000; a file: --input data.npz"
INPUT_SIZE = (
    "--imgsz, --channels and --batch give another size of image; an attribute input_size lets the model say its own: "
    "a side, (height, width), (channels, height, width), (channels, frames, height, width), or (length,) for tokens"
)

LENGTH, FRAMES, SIDE = 128, 16, 224
"""Sizes of an example of a text, a clip and an image."""

_WITH_WEIGHTS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.Embedding)
"""Layers that say what they take."""


@contextmanager
def naming_inputs(built: Built, inputs: Sequence[Tensor]) -> Iterator[None]:
    """While it holds, a RunError says what the model takes, as far as it is known, and what to type.

    Args:
        built: The model.
        inputs: What it is run on.
    """
    try:
        yield
    except RunError as error:
        lines = [_first_layer(built, inputs), error.hint, _own_size(built, inputs)]
        if not built.spec.trusted:
            size = None if built.given else INPUT_SIZE
            lines = [_takes(built, inputs), lines[0], _options(built), SHAPES, size, error.hint]
        error.hint = "\n".join(line for line in lines if line) or None
        raise


def _takes(built: Built, inputs: Sequence[Tensor]) -> str:
    names = [f"{spec.name} " if spec.name else "" for spec in built.given] or [""] * len(inputs)
    shapes = " and ".join(
        f"{name}{units.shape(tensor.shape)} {_dtype(tensor)}" for name, tensor in zip(names, inputs, strict=True)
    )
    given = f"was given {units.plural(len(inputs), 'tensor')}, {shapes}"
    parameters = takes(built.module.forward) if not built.given else None
    return f"forward {given}" if parameters is None else f"{type(built.module).__name__}.forward{parameters} {given}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _options(built: Built) -> str | None:
    """What gives the forward all that it needs, where that is more than one input."""
    names = _required(built.module)
    if len(names) < 2 or built.given:
        return None
    return "type " + " ".join(f"--input {name}=SHAPE" for name in names)


def _required(model: nn.Module) -> list[str]:
    """The names of what the forward cannot do without."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):  # what is written in C may have none
        return []
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind not in variable
    ]


def _first_layer(built: Built, inputs: Sequence[Tensor]) -> str | None:
    """What the first layer with weights takes, where that is something else, and an input that it takes."""
    layer = next((module for module in built.module.modules() if isinstance(module, _WITH_WEIGHTS)), None)
    shape = tuple(inputs[0].shape) if inputs else ()
    name = next(iter(_required(built.module)), "")
    option = f"--input {name}=" if name else "--input "
    if isinstance(layer, nn.Embedding):
        if inputs and not inputs[0].is_floating_point():
            return None
        entries = layer.num_embeddings
        return f"its first layer is an Embedding, which takes whole numbers: {option}1x{LENGTH}:int64:0..{entries}"
    if isinstance(layer, nn.Linear) and shape[-1:] != (layer.in_features,):
        return f"its first layer is a Linear, which takes {layer.in_features} features: {option}1x{layer.in_features}"
    if isinstance(layer, nn.Conv2d) and len(shape) == 4 and layer.in_channels != shape[1]:
        channels = f"its first layer takes {units.plural(layer.in_channels, 'channel')}"
        return f"{channels}, not {shape[1]}" if built.given else f"{channels}: --channels {layer.in_channels}"
    if isinstance(layer, nn.Conv3d) and len(shape) != 5:
        sizes = f"{layer.in_channels}x{FRAMES}x{SIDE}x{SIDE}"
        return f"its first layer takes clips: {option}1x{sizes}"
    if isinstance(layer, nn.Conv1d) and len(shape) != 3:
        return f"its first layer takes sequences: {option}1x{layer.in_channels}x{LENGTH}"
    return None


def _own_size(built: Built, inputs: Sequence[Tensor]) -> str | None:
    """The size that the model is made for, where it was given another."""
    shape = tuple(inputs[0].shape) if inputs else ()
    if built.kind != "image" or len(shape) < 3 or shape[2:] == built.size:
        return None
    sides = built.size[-2:]
    text = str(sides[0]) if sides[0] == sides[-1] else "x".join(map(str, sides))
    return f"its own size of image is {units.shape(sides)}: --imgsz {text}"

"""The tensors that a model is run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from archprof.builder.device import find_device
from archprof.builder.given_inputs import tensors_of
from archprof.builder.options import dtype_name
from archprof.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from archprof.builder.built import Built


def find_dtype(name: str) -> torch.dtype:
    """A floating-point type by its name in torch.

    Raises:
        UsageError: Where it is none of those that a model may be run in.
    """
    dtype: torch.dtype = getattr(torch, dtype_name(name))
    return dtype


def make_inputs(
    built: Built,
    *,
    size: tuple[int, ...] | None = None,
    batch: int = 1,
    dtype: str = "float32",
    device: str = "meta",
) -> tuple[Tensor, ...]:
    """The input of a model: one tensor, or as many as it takes at once; the same values every time.

    Args:
        built: The model.
        size: (height, width) of an image or of a clip's frames, (side,) of square ones, or (length,) of a text;
            the model's own by default.
        batch: How many of them.
        dtype: An image's type; tokens are int64.
        device: Where the tensor is to be.

    Returns:
        An image of shape (batch, channels, height, width), or a clip of (batch, channels, frames, height, width),
        uniform in [0, 1); or tokens of shape (batch, length); or what was asked for input by input.

    Raises:
        UsageError: Where the size does not fit the model, or the batch or the dtype is none.
        DeviceError: Where there is no such device.
    """
    target, kind, sides = find_device(device), find_dtype(dtype), size or built.size[-2:]
    if batch < 1:
        raise UsageError(f"invalid batch {batch}")
    if built.given:
        if built.kind == "image":
            _check_image(built.given[0].shape[2:], max(built.strides, default=1))
        return tensors_of(built.given, dtype=dtype, device=target)
    if built.kind == "tokens":
        if len(sides) != 1 or sides[0] < 1:
            raise UsageError(f"invalid length {_text(sides)}", hint="give one positive number")
        return (torch.zeros(batch, *sides, dtype=torch.int64, device=target),)
    sides = sides * 2 if len(sides) == 1 else sides
    _check_image(sides, max(built.strides, default=1))
    shape = (batch, built.channels, *built.size[:-2], *sides)
    if target.type == "meta":
        return tuple(torch.empty(shape, dtype=kind, device=target) for _ in range(built.inputs))
    generator = torch.Generator(device=target).manual_seed(0)
    return tuple(torch.rand(shape, dtype=kind, device=target, generator=generator) for _ in range(built.inputs))


def _check_image(size: tuple[int, ...], stride: int) -> None:
    if len(size) != 2 or min(size) < 1:
        raise UsageError(f"invalid image size {_text(size)}", hint="give a side or HEIGHTxWIDTH, both positive")
    if any(side % stride for side in size):
        down = tuple(max(side // stride, 1) * stride for side in size)
        up = tuple(-(-side // stride) * stride for side in size)
        raise UsageError(
            f"image size {_text(size)} is not a multiple of {stride}, the network's largest stride",
            hint=f"the nearest are {_text(down)} and {_text(up)}" if down != up else f"the nearest is {_text(up)}",
        )


def _text(size: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in size)

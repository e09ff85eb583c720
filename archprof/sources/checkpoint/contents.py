"""What a checkpoint file says, as frozen data."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec looks it up
from typing import Any, Literal

import msgspec

Kind = Literal["ultralytics", "yolov5", "module", "state_dict", "torchscript", "safetensors", "unknown"]
"""``module`` is any other pickled ``torch.nn.Module``; ``unknown`` a pickle in which no model was recognised."""

Role = Literal["parameter", "buffer"]


class Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """A tensor of the file. Its values are not read.

    Attributes:
        shape: Its sizes, in elements.
        dtype: As torch names it: "float16".
        stride: Elements from one index to the next, for each axis; None where the file does not say.
        storage: The key of the storage it lies in, or None where it has none.
        offset: Elements from the storage's start.
        role: What it is of its module, or None where the file does not tell (as in a state dict).
        bytes: Elements × bytes an element.
    """

    shape: tuple[int, ...]
    dtype: str
    stride: tuple[int, ...] | None = None
    storage: str | None = None
    offset: int = 0
    role: Role | None = None
    numel: int
    bytes: int


class Module(msgspec.Struct, frozen=True):
    """A module of the file: its class, and its attributes that are numbers, text or tuples of them."""

    type: str
    attributes: dict[str, Any]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint file.

    Attributes:
        path: The file.
        kind: Whose it is.
        digest: SHA-256 of everything that was read of it; the values of the weights are not.
        source: Which entry of the file holds the model, as "ema", or None where the file is the model.
        model: The model's class, where it has one.
        yaml: The variant that the model was built from, with its scale, where the file has it.
        names: Names of the classes, by number.
        nc: Number of classes.
        task: "detect", "classify" ...
        tensors: Parameters and buffers by their names in the model's state dict.
        modules: The modules by their paths; the model itself is "". Empty for a state dict.
        train_args: What the model was trained with.
        metadata: Other entries that are plain values: ``epoch``, ``version``, ``date`` ...
        foreign: Classes and functions that loading the file would import or call and that are neither Python's
            containers nor torch's, Ultralytics', timm's or torchvision's.
        notes: What a reader should know, in sentences.
    """

    path: Path
    kind: Kind
    digest: str
    source: str | None = None
    model: str | None = None
    yaml: dict[str, Any] | None = None
    names: dict[int, str] | None = None
    nc: int | None = None
    task: str | None = None
    tensors: dict[str, Tensor]
    modules: dict[str, Module] = {}
    train_args: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    foreign: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The tensors' shapes by name."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}


def distinct(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without those that are another one under a second name, as tied weights are."""
    seen = set()
    result = {}
    for name, tensor in tensors.items():
        view = (tensor.storage, tensor.offset, tensor.shape, tensor.stride)
        if tensor.storage is None or tensor.numel == 0 or view not in seen:
            seen.add(view)
            result[name] = tensor
    return result


def parameters(checkpoint: Checkpoint) -> int:
    """How many parameters the file holds, each once.

    Where the file does not tell parameters from buffers, all that are not known to be buffers count, so that the
    figure is an upper bound.
    """
    return sum(tensor.numel for tensor in distinct(checkpoint.tensors).values() if tensor.role != "buffer")

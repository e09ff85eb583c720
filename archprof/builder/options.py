"""How a spec is to be built and run: what the command line's options add up to, free of torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from archprof.builder.input_spec import InputSpec

COUNTER_SECONDS = 300.0
"""What another counter may take over a model unless somebody says otherwise."""

EXPERTS = 4
"""What ParameterNet's paper, and the code published with it, give a dynamic convolution."""

SIDE = 640
"""The default side of the input image."""

SIDES = {"classify": 224}
"""The same where the task has another."""

PROBE = 256
"""Side of the image whose way through a network tells its strides; Ultralytics' own choice."""

DTYPES = ("float32", "float16", "bfloat16", "float64")
"""What weights and images may be, by torch's names."""

_DTYPE_ALIASES = {
    **dict.fromkeys(("fp32", "f32", "float", "single"), "float32"),
    **dict.fromkeys(("fp16", "f16", "half"), "float16"),
    "bf16": "bfloat16",
    **dict.fromkeys(("fp64", "f64", "double"), "float64"),
}

_DEVICE = re.compile(r"auto|meta|cpu|cuda(?::\d+)?")

_SIZE = re.compile(r"(\d{1,9})(?:[x×,](\d{1,9}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a spec is to be built and run.

    Attributes:
        size: The input's (height, width), (side,) of a square image, or (length,) for tokens; the model's own
            where None.
        batch: Samples at once.
        channels: Channels of the input image; 3 where None.
        fuse: Whether to fold normalisations into convolutions and drop branches that only train.
        static: Whether to replace every dynamic layer with the plain one: the model's static equivalent.
        device: "auto", "cpu", "cuda", "cuda:N" or "meta". With "auto" and "meta" it is counted without memory,
            so that counting never waits for a device; on the others the model really runs.
        dtype: The name of a torch dtype, of weights and images.
        backward: Whether to count a training step: the forward pass in training mode, and the backward pass.
        inputs: What the model is run on, where that was asked for input by input.
    """

    size: tuple[int, ...] | None = None
    batch: int = 1
    channels: int | None = None
    fuse: bool = False
    static: bool = False
    device: str = "auto"
    dtype: str = "float32"
    backward: bool = False
    inputs: tuple[InputSpec, ...] = ()

    @property
    def input_shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The shapes of the inputs by their names, for a file whose inputs have names.

        Raises:
            UsageError: Where one was asked for without a name.
        """
        if any(not spec.name for spec in self.inputs):
            raise UsageError("the inputs of a file have names", hint="give NAME=SHAPE, as --input images=1x3x640x640")
        return tuple((spec.name, spec.shape) for spec in self.inputs)

    def check_inputs(self) -> None:
        """See to it that whole shapes are not asked for beside parts of them.

        Raises:
            UsageError: Where both are.
        """
        asked = {"--imgsz": self.size is not None, "--batch": self.batch != 1}
        if names := [name for name, given in asked.items() if given and self.inputs]:
            raise UsageError(
                f"--input gives whole shapes, so {' and '.join(names)} cannot be given too",
                hint="leave one of them out",
            )


def sides_of(text: str) -> tuple[int, ...]:
    """``640`` or ``384x640`` -> one number or two; nothing where the text is neither."""
    match = _SIZE.fullmatch(text.strip())
    sides = tuple(int(side) for side in match.groups() if side) if match else ()
    return () if 0 in sides else sides


def dtype_name(text: str) -> str:
    """Torch's name of a floating-point type, which people also call ``fp16`` or ``half``.

    Raises:
        UsageError: Where it is none of :data:`DTYPES`.
    """
    name = text.strip().lower().removeprefix("torch.")
    name = _DTYPE_ALIASES.get(name, name)
    if name not in DTYPES:
        hint = did_you_mean(name, DTYPES) or f"a dtype is one of {', '.join(DTYPES)}"
        raise UsageError(f"unknown dtype {text!r}", hint=hint)
    return name


def device_name(text: str) -> str:
    """Torch's name of a device, which people also call ``gpu`` or, as Ultralytics does, ``0``.

    Raises:
        UsageError: Where it is no name of a device; whether there is such a device is not asked here.
    """
    name = text.strip().lower()
    name = f"cuda:{name}" if name.isdecimal() else name
    name = name.replace("gpu", "cuda", 1) if name.startswith("gpu") else name
    if not _DEVICE.fullmatch(name):
        raise UsageError(f"unknown device {text!r}", hint="a device is auto, cpu, cuda, cuda:N or meta")
    return name
